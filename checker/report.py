"""Runs every invariant and refuses to be satisfied by nothing.

Raises `NothingExamined` for evidence without planned rows, known records, events or records of
the destination: such a check would pass whatever had happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from checker import history, records, runs
from checker.evidence import Evidence
from checker.violation import Violation

Invariant = Callable[[Evidence], Iterable[Violation]]
INVARIANTS: Final[tuple[Invariant, ...]] = (
    records.one_live_record_per_key,
    records.no_field_stands_twice,
    history.never_two_at_any_moment,
    records.states_are_final,
    records.open_attempts_are_settled,
    records.confirmed_records_exist,
    records.parents_are_right,
    records.nothing_hangs_on_what_we_removed,
    history.consent_never_rises,
    records.values_are_as_planned,
    runs.undo_leaves_the_account_as_it_was,
    records.nothing_of_ours_is_unknown,
    records.ids_are_given_once,
    history.edits_of_others_stay,
    history.what_others_did_is_not_undone,
    runs.limits_are_kept,
    runs.dry_runs_write_nothing,
    runs.a_resumed_run_ends_like_an_undisturbed_one,
    runs.no_secret_in_artefacts,
    runs.the_event_chain_holds,
    runs.repetitions_write_nothing,
)


class NothingExamined(Exception):
    """There was nothing to look at, so nothing can be said."""


@dataclass(slots=True)
class Report:
    """What was examined, how much of it, and what is wrong."""

    examined: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.violations


def check(evidence: Evidence) -> Report:
    """Asserts all invariants for which there is evidence."""
    report = Report(_examined(evidence))
    needed = ["planned rows", "known records", "events"]
    if not evidence.is_undone:
        needed.append("live records")
    for what in needed:
        if not report.examined[what]:
            message = f"there are no {what} to examine; check what was passed"
            raise NothingExamined(message)
    for invariant in INVARIANTS:
        report.violations += invariant(evidence)
    return report


def _examined(evidence: Evidence) -> Counter[str]:
    given = {
        "planned rows": len(evidence.plan.rows),
        "known records": len(evidence.ledger.known),
        "events": len(evidence.ledger.events),
        "attempts": len(evidence.ledger.attempts),
        "live records": runs.records_in(evidence.destination),
        "calls": len(evidence.calls or ()),
        "changes": len(evidence.changes or ()),
        "artefacts": len(evidence.artefacts),
    }
    return Counter({what: number for what, number in given.items() if number})
