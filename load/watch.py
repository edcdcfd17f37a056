"""During the load: do others change what was just written?

An automation that nobody knew of, or another tool, shows as records that no longer hold what they
held at their creation. After every `BETWEEN_LOOKS` creates of an entity and at its end the newest
records are listed (10 tokens per 500) and compared, column by column, with the ledger's hashes. If
more than `foreign_changes_most` of them differ, and at least `FEWEST`, the run stops; a person's
single edit does not. Lines and notes are not watched: no list shows the newest lines at all, or
notes at this price. A changed line shows in its deal's value, which `load.values` compares.

Raises `TargetChanged`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from load.errors import TargetChanged
from load.ledger import records
from load.ledger.records import Record
from load.lists import newest_down_to
from load.payload import CUSTOM_SUFFIX, current_value, target_hash
from load.phases import Phase
from load.run import Run

BETWEEN_LOOKS: Final = 2_000
FEWEST: Final = 3
STOPPED: Final = "foreign changes"
_COLUMNS_NAMED: Final = 5


async def look(run: Run, phase: Phase, *, at_end: bool = False) -> None:
    """Compares what was created since the last look, if it is time for one."""
    fresh = run.fresh
    if phase.field_list is None or run.settings.foreign_changes_most >= 1:
        fresh.clear()
    if not fresh or (len(fresh) < BETWEEN_LOOKS and not at_end):
        return
    listed = await newest_down_to(
        run.client,
        phase.list_path,
        phase.newest_first or {},
        mark=min(fresh) - 1,
        cost=phase.list_cost,
        entity=phase.entity,
    )
    shown = {int(one["id"]): one for one in listed}
    known = records.fetch(run.ledger, list(fresh.values()))
    columns: Counter[str] = Counter()
    changed = 0
    for record_id, key in fresh.items():
        differing = _differing(run, phase, known[key], shown.get(record_id))
        columns.update(differing)
        changed += bool(differing)
    looked_at = len(fresh)
    fresh.clear()
    if changed >= FEWEST and changed > run.settings.foreign_changes_most * looked_at:
        named = ", ".join(name for name, _ in columns.most_common(_COLUMNS_NAMED))
        run.ledger.event(
            STOPPED, {"entity": phase.entity, "looked_at": looked_at, "changed": changed}
        )
        raise TargetChanged(
            f"{phase.entity}: others changed {changed:,} of the {looked_at:,} records just written"
            f" ({named}); pause the automation or tool that does it, then plan again, or let it"
            " pass by name: --waive foreign_changes"
        )


def _differing(run: Run, phase: Phase, record: Record, shown: dict[str, Any] | None) -> list[str]:
    """The columns that no longer hold what the create's answer showed."""
    if shown is None:
        return ["the record itself"]
    differing = []
    for column, held in record.target_hashes.items():
        value = current_value(phase.entity, column, shown, run.catalog)
        # what we left empty, Pipedrive may fill by its own rules (owner, visibility, stage)
        was_left = held == target_hash(column, None, salt=run.salt)
        if was_left and not column.endswith(CUSTOM_SUFFIX):
            continue
        if target_hash(column, value, salt=run.salt) != held:
            differing.append(column)
    return differing
