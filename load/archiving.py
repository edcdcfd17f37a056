"""The very last write of a record that is to be archived: the API can't edit it any more then.

Within a wave, once everything of it is written, settled and its values are read back. Only records
that we made are archived, and none of which something is left to a human: a line that was refused,
a value that differs. An outcome that nobody knows is looked up after the settle time (a record
by its id, 1 token); a record that is archived already counts as done, whoever did it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from load.crashpoints import crashpoint
from load.errors import RecordRejected, RetryLater
from load.ledger import archive, doubts, records
from load.ledger.records import Record
from load.payload import ARCHIVED_COLUMN, PARENT_SUFFIX, target_hash
from load.phases import Phase
from load.plan import PlanRow
from load.run import Run

_BATCH: Final = 480
_ROUNDS: Final = 4
_LOOK_COST: Final = 1
_WRITING: Final = ("create", "update")
_CHILDREN: Final = ("deal_product", "note", "file")


def is_archived(run: Run, record: Record | None) -> bool:
    """Whether the ledger knows that we archived it."""
    return record is not None and record.target_hashes.get(ARCHIVED_COLUMN) == _hash(run)


def _hash(run: Run) -> str:
    yes = True
    return target_hash(ARCHIVED_COLUMN, yes, salt=run.salt)


async def archive_wave(run: Run, phase: Phase, *, wave: int) -> None:
    """Archives what the plan wants archived of a wave. Raises `RetryLater` if doubt remains."""
    left = 0
    unfinished: set[str] | None = None
    for rows in run.plan.rows(phase.entity, _BATCH, wave=wave):
        wanted = [
            row
            for row in rows
            if row.payload.get(ARCHIVED_COLUMN) is True and row.action in _WRITING
        ]
        known = records.fetch(run.ledger, [row.source_key for row in wanted])
        due = [row for row in wanted if _is_due(run, known.get(row.source_key))]
        if due and unfinished is None:
            unfinished = _with_open_children(run, phase.entity, wave=wave)
        due = [row for row in due if row.source_key not in (unfinished or ())]
        for _ in range(_ROUNDS):
            due = await _looked_up(run, phase, due, known)
            if not due:
                break
            due = await _send(run, phase, due, known)
        left += len(due)
    if left:
        raise RetryLater(f"{left} {phase.entity} records could not be archived for sure")


def _with_open_children(run: Run, entity: str, *, wave: int) -> set[str]:
    """Keys of the records of which something that hangs on them is not there, for any reason."""
    column, found = f"{entity}{PARENT_SUFFIX}", set()
    for child in _CHILDREN:
        for rows in run.plan.rows(child, _BATCH, wave=wave):
            hanging = {row.source_key: row.payload.get(column) for row in rows}
            known = records.fetch(run.ledger, list(hanging))
            found |= {
                str(parent)
                for key, parent in hanging.items()
                if parent and ((there := known.get(key)) is None or there.state != "confirmed")
            }
    return found


def _is_due(run: Run, record: Record | None) -> bool:
    return (
        record is not None
        and record.state == "confirmed"
        and record.origin == "created"
        and record.value_check != "due"
        and record.reason_code in (None, archive.REFUSED)
        and not is_archived(run, record)
    )


async def _looked_up(
    run: Run, phase: Phase, due: Sequence[PlanRow], known: Mapping[str, Record]
) -> list[PlanRow]:
    """Those that surely are not archived yet; what an earlier call of ours did is written down."""
    in_doubt = archive.in_doubt(run.ledger, phase.entity, [row.source_key for row in due])
    if not in_doubt:
        return list(due)
    await run.clock.sleep(run.settle_seconds)
    left = []
    for row in due:
        if row.source_key in in_doubt and await _is_there(run, phase, known[row.source_key]):
            _done(run, phase, row, "applied")
        else:
            if row.source_key in in_doubt:
                doubts.settle_attempts(
                    run.ledger, phase.entity, row.source_key, "update", "not_applied"
                )
            left.append(row)
    return left


async def _is_there(run: Run, phase: Phase, record: Record) -> bool:
    run.raise_if_stopped()
    path = phase.update_path.format(id=record.pipedrive_id)
    try:
        answer = await run.client.call("GET", path, cost=_LOOK_COST, entity=phase.entity)
    except RecordRejected:
        return False
    return bool(answer.data.get(ARCHIVED_COLUMN))


async def _send(
    run: Run, phase: Phase, due: Sequence[PlanRow], known: Mapping[str, Record]
) -> list[PlanRow]:
    """One call each. Gives those whose outcome is unknown, or that never left."""
    again: list[PlanRow] = []
    for start in range(0, len(due), run.group_size):
        run.raise_if_stopped()
        group = due[start : start + run.group_size]
        crashpoint("archive.before_intent", phase.entity)
        attempts = archive.intend(
            run.ledger, phase.entity, phase.update_path, [row.source_key for row in group]
        )
        crashpoint("archive.after_intent", phase.entity)
        async with asyncio.TaskGroup() as tasks:
            sent = [
                tasks.create_task(
                    _archive(run, phase, row, known[row.source_key], attempts[row.source_key])
                )
                for row in group
            ]
        again += [row for row, task in zip(group, sent, strict=True) if not task.result()]
    run.raise_if_stopped()
    return again


async def _archive(run: Run, phase: Phase, row: PlanRow, record: Record, attempt_id: int) -> bool:
    """True when there is nothing more to be done about this record."""
    path = phase.update_path.format(id=record.pipedrive_id)
    sent = await run.send(
        phase.update_method, path, cost=phase.update_cost, body={ARCHIVED_COLUMN: True},
        entity=phase.entity,
    )  # fmt: skip
    crashpoint("archive.after_answer", phase.entity)
    if sent.kind == "ok":
        _done(run, phase, row, "ok", attempt_id=attempt_id, status=sent.status)
        return True
    if sent.kind == "ambiguous":
        records.finish_attempt(run.ledger, attempt_id, "ambiguous", http_status=sent.status)
        return False
    records.finish_attempt(run.ledger, attempt_id, "rejected", http_status=sent.status)
    if sent.kind != "rejected":
        return False
    if await _is_there(run, phase, record):
        _done(run, phase, row, "applied")
    else:
        run.count(phase.entity, "refused update")
        archive.refused(run.ledger, phase.entity, row.source_key, sent.reason)
    return True


def _done(
    run: Run,
    phase: Phase,
    row: PlanRow,
    outcome: str,
    *,
    attempt_id: int | None = None,
    status: int | None = None,
) -> None:
    with run.ledger.transaction():
        if attempt_id is None:
            doubts.settle_attempts(run.ledger, phase.entity, row.source_key, "update", outcome)
        else:
            records.finish_attempt(
                run.ledger, attempt_id, outcome, http_status=status, tokens=phase.update_cost
            )
        archive.archived(run.ledger, phase.entity, row.source_key, _hash(run))
    run.count(phase.entity, "archived")
