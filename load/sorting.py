"""What is to be done with a batch of rows, by what the ledger knows of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from load.archiving import is_archived
from load.ledger import changes, removals, retries
from load.ledger.records import Record
from load.phases import Phase
from load.plan import PlanRow
from load.run import Run
from load.updates import LEFT_TO_PEOPLE

_PLANNED_AWAY: Final = {
    "skip": "unchanged",
    "conflict": LEFT_TO_PEOPLE,
    "waiting": "waiting",
    "quarantine": "quarantined",
}


@dataclass(slots=True)
class Todo:
    """The rows of a batch by what is to be done with them."""

    create: list[PlanRow] = field(default_factory=list)
    update: list[PlanRow] = field(default_factory=list)
    parked: list[PlanRow] = field(default_factory=list)


def sort_rows(
    run: Run, phase: Phase, rows: Iterable[PlanRow], known: dict[str, Record], *, first_time: bool
) -> Todo:
    """By the ledger first: what it is sure of is never sent again, whatever the plan says."""
    todo, entity = Todo(), phase.entity
    for row in rows:
        record = known.get(row.source_key)
        state = record.state if record else "planned"
        if record is not None and retries.may_try_again(record, row.new_hash):
            state = "planned"
        if record is not None and is_archived(run, record) and is_wanted(row, record):
            state = "archived"
        if state == "ambiguous":
            todo.parked.append(row)
        elif record and state == "confirmed" and is_wanted(row, record):
            todo.update.append(row)
        elif state == "planned" and row.action == "adopt" and row.pipedrive_id is not None:
            _adopt(run, phase, row, known)
            todo.update.append(row)
        elif row.action == "create" and (state == "planned" or _was_undone(run, phase, record)):
            todo.create.append(row)
        else:
            run.progress.advance(entity)
            if first_time:
                run.count(entity, _nothing_to_do(row, state))
    return todo


def _was_undone(run: Run, phase: Phase, record: Record | None) -> bool:
    """Removed by an undo that this plan already knew of: it may be made again."""
    return (
        record is not None
        and record.state == "removed"
        and not removals.removed_since(
            run.ledger, phase.entity, record.source_key, str(run.plan.manifest["created_at"])
        )
    )


def is_wanted(row: PlanRow, record: Record) -> bool:
    """Whether the plan wants something of a record that is there."""
    if row.action == "update" and row.take_ours:
        return True
    return row.action in ("create", "update", "adopt") and record.payload_hash != row.new_hash


def _nothing_to_do(row: PlanRow, state: str) -> str:
    """What a row that sends nothing counts as."""
    if row.action in _PLANNED_AWAY:
        return _PLANNED_AWAY[row.action]
    known = {"confirmed": "unchanged", "archived": "archived before", "quarantined": "quarantined"}
    return known.get(state, "conflict")


def _adopt(run: Run, phase: Phase, row: PlanRow, known: dict[str, Record]) -> None:
    deal = known.get(str(row.payload.get("deal__source_key")))
    changes.adopt(
        run.ledger,
        phase.entity,
        row.source_key,
        row.pipedrive_id or 0,
        run.plan.digest,
        deal.pipedrive_id if deal else None,
    )
