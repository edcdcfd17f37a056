"""Everything that one check looks at. What is None was not given and is not judged.

`Change` is one change of one record as the destination's own history has it: who made it, what
was there before and after. Times are seconds; `basis_at` is when the writer had last read the
record before it sent, None for a write without a look; `sent_at` is when the call had left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checker.destination import Destination
from checker.ledger import Ledger
from checker.plan import Plan


@dataclass(frozen=True, slots=True)
class Call:
    """A line of the destination's own log."""

    at: float
    method: str
    path: str
    status: int
    tokens: int
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a record. `by` is `us` or `others`."""

    at: float
    by: str
    entity: str
    id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    basis_at: float | None = None
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent: tokens a day and our share of them; calls in a window of seconds.

    `to_find_out` is what may be spent beyond the share to learn what is left: a process knows
    it from its first answer.
    """

    tokens_a_day: int
    share: float
    calls_in_window: int
    window: float = 2.0
    to_find_out: int = 0


@dataclass(slots=True)
class Evidence:
    """What is known of one migration at its end."""

    plan: Plan
    ledger: Ledger
    destination: Destination
    source_keys: frozenset[str] | None = None
    calls: Sequence[Call] | None = None
    limits: Limits | None = None
    changes: Sequence[Change] | None = None
    # within the bound nothing may ever be there twice, not even for a moment
    delays_in_bound: bool = False
    # calls of phases that may not write: a dry run, a second load, a second undo
    dry_calls: Sequence[Call] | None = None
    repeated_calls: Sequence[Call] | None = None
    # canonical lines of this end state and of an undisturbed run of the same plan
    lines: Sequence[str] | None = None
    undisturbed_lines: Sequence[str] | None = None
    before: Destination | None = None
    is_undone: bool = False
    # texts that may stand in no artefact, and the artefacts by name
    secrets: Sequence[str] = ()
    artefacts: Mapping[str, bytes] = field(default_factory=dict)


def read_calls(lines: Iterable[str]) -> list[Call]:
    """Calls from JSON lines of the log."""
    return [
        Call(
            float(raw["at"]),
            raw["method"],
            raw["path"],
            int(raw["status"]),
            int(raw["tokens"]),
            raw.get("fault"),
        )
        for line in lines
        if line.strip()
        for raw in [json.loads(line)]
    ]
