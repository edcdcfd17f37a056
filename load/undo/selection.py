"""Which of our writes an undo takes back: all, or those of a plan, run, wave, entity or field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from load.errors import ConfigError
from load.ledger.removals import WrittenColumn
from load.phases import PHASE_OF


@dataclass(frozen=True, slots=True)
class Selection:
    """Empty members do not select; what is given must all be true."""

    plan_digest: str = ""
    run_id: str = ""
    entity: str = ""
    column: str = ""
    everything: bool = False
    fields: bool = False
    wave: int = 0
    # source keys of the wave; None where no wave is chosen
    keys: frozenset[str] | None = None

    def check(self) -> None:
        """Raises `ConfigError` for a selection of nothing, or of an entity that there isn't."""
        chosen = [self.plan_digest, self.run_id, self.entity, self.column, self.wave]
        if not self.everything and not any(chosen):
            raise ConfigError(
                "say what to undo: --all, --plan DIGEST, --run ID, --wave N, --entity NAME or "
                "--field COLUMN"
            )
        if self.everything and any(chosen):
            raise ConfigError("--all takes everything back; leave the other choices out")
        if self.entity and self.entity not in PHASE_OF:
            raise ConfigError(f"--entity {self.entity!r} is not one of {', '.join(PHASE_OF)}")
        if self.fields and not self.everything:
            raise ConfigError("--fields goes with --all: fields serve every load")

    def takes_entity(self, entity: str) -> bool:
        return self.entity in ("", entity)

    def takes_key(self, source_key: str) -> bool:
        return self.keys is None or source_key in self.keys

    def takes_run(self, run_id: str, plan_digest: str | None) -> bool:
        """Whether a write of this run and plan is chosen."""
        is_plan = not self.plan_digest or (plan_digest or "").startswith(self.plan_digest)
        return is_plan and self.run_id in ("", run_id)

    def takes_column(self, column: str) -> bool:
        return self.column in ("", column)

    def columns(self, written: Sequence[WrittenColumn]) -> dict[str, list[WrittenColumn]]:
        """Chosen updates by column, oldest first; nothing that an undo has put back since.

        A column that another run wrote again later is left out: its value is that run's.
        """
        found: dict[str, list[WrittenColumn]] = {}
        for one in written:
            if one.is_undo or not self.takes_run(one.run_id, one.plan_digest):
                found.pop(one.column_name, None)
            elif self.takes_column(one.column_name):
                found.setdefault(one.column_name, []).append(one)
        return found
