"""Putting columns back: read again, decide again, keep what is there now, then write.

A restore is an update like any other: journal and encrypted before-image are committed before the
call leaves, and an unknown outcome is settled by reading. No body leaves that would raise a ranked
column: `load.merge.rank_guard` looks at it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load import guard
from load.crashpoints import crashpoint
from load.errors import InvariantBroken, RetryLater
from load.ledger import changes, doubts, guards, records, removals
from load.ledger.changes import JournalLine, UpdateIntent
from load.ledger.records import Record
from load.merge import raises
from load.payload import assemble, current_value, target_hash
from load.phases import PHASE_OF, Phase
from load.run import Run
from load.undo.account import Account, read_again
from load.undo.plan import UndoRow
from load.undo.planning import columns_to_put_back
from load.undo.rules import Column, put_back, sendable
from load.undo.selection import Selection

_AT_ONCE = 100
_ROUNDS = 3


@dataclass(slots=True)
class Restore:
    """One record's columns on their way back."""

    row: UndoRow
    record: Record
    current: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    # what the server empties with the status
    follows: list[str] = field(default_factory=list)
    attempt_id: int = 0


async def restore(
    run: Run, selection: Selection, entity: str, rows: Sequence[UndoRow], account: Account
) -> None:
    """Puts back the columns of these records."""
    run.progress.start(f"restore {entity}", len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        waiting = list(rows[start : start + _AT_ONCE])
        for _ in range(_ROUNDS):
            run.raise_if_stopped()
            waiting = await _round(run, selection, PHASE_OF[entity], waiting, account)
            if not waiting:
                break
            await run.clock.sleep(run.settle_seconds)
        keys = [row.source_key for row in rows[start : start + _AT_ONCE]]
        await guard.check(run, PHASE_OF[entity], keys)
        if waiting:
            raise RetryLater(f"{len(waiting)} {entity} records could not be put back for sure")
    run.progress.finish(f"restore {entity}")


async def _round(
    run: Run, selection: Selection, phase: Phase, rows: Sequence[UndoRow], account: Account
) -> list[UndoRow]:
    keys = [row.source_key for row in rows]
    known = records.fetch(run.ledger, keys)
    written = removals.written_columns(run.ledger, phase.entity, keys)
    makers = removals.made_by(run.ledger, phase.entity, keys)
    present = await read_again(
        run, phase, [row.pipedrive_id for row in rows],
        [known[key].deal_id or 0 for key in keys], account.archived,
    )  # fmt: skip
    ready = []
    for row in rows:
        record, shown = known[row.source_key], present.get(row.pipedrive_id)
        if shown is None:
            changes.mark_gone(run.ledger, phase.entity, row.source_key)
            run.count(phase.entity, "gone before")
            continue
        maker = makers.get(row.source_key)
        columns = columns_to_put_back(
            run, selection, record, written.get(row.source_key, []),
            clears_own=maker is not None and selection.takes_run(*maker),
        )  # fmt: skip
        one = _decide(run, Restore(row, record, shown), columns)
        if one.values:
            ready.append(one)
        elif one.done:
            _restored(run, one)
    return await _send(run, phase, ready)


def _decide(run: Run, one: Restore, columns: Sequence[Column]) -> Restore:
    entity = one.record.entity
    for column in columns:
        current = current_value(entity, column.name, one.current, run.catalog)
        verdict, value = put_back(column, current, salt=run.salt)
        if verdict == "same":
            one.done.append(column.name)
        elif verdict == "follows":
            one.follows.append(column.name)
        elif verdict == "restore":
            if column.ranks is not None and raises(current, value, column.ranks):
                raise InvariantBroken(
                    f"{entity} {one.row.source_key}: {column.name} would be raised by an undo"
                )
            one.values[column.name] = sendable(column.name, value)
    return one


async def _send(run: Run, phase: Phase, ready: Sequence[Restore]) -> list[UndoRow]:
    if not ready:
        return []
    crashpoint("undo.before_intent", phase.entity)
    attempts = changes.intend_updates(
        run.ledger, phase.entity, phase.update_path, [_intent(run, one) for one in ready]
    )
    for one in ready:
        one.attempt_id = attempts[one.row.source_key]
    crashpoint("undo.after_intent", phase.entity)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_send_one(run, phase, one)) for one in ready]
    run.raise_if_stopped()
    return [row for task in running if (row := task.result()) is not None]


def _intent(run: Run, one: Restore) -> UpdateIntent:
    lines = []
    for column, value in one.values.items():
        before = current_value(one.record.entity, column, one.current, run.catalog)
        lines.append(
            JournalLine(
                column, before,
                target_hash(column, before, salt=run.salt),
                target_hash(column, value, salt=run.salt),
                guard.is_guarded(run, PHASE_OF[one.record.entity], column, value),
            )
        )  # fmt: skip
    return UpdateIntent(one.row.source_key, one.row.pipedrive_id, None, lines)


async def _send_one(run: Run, phase: Phase, one: Restore) -> UndoRow | None:
    entity, ledger, row = phase.entity, run.ledger, one.row
    path = phase.update_path.format(id=row.pipedrive_id, deal_id=one.record.deal_id)
    body = assemble(entity, row.source_key, one.values, run.catalog)
    sent = await run.send(
        phase.update_method, path, cost=phase.update_cost, body=body, entity=entity
    )
    crashpoint("undo.after_answer", entity)
    outcomes = {"ok": "ok", "rejected": "rejected", "ambiguous": "ambiguous"}
    with ledger.transaction():
        records.finish_attempt(
            ledger, one.attempt_id, outcomes.get(sent.kind, "not_applied"),
            http_status=sent.status, pipedrive_id=row.pipedrive_id, tokens=phase.update_cost,
        )  # fmt: skip
        if sent.kind == "ok":
            _restored(run, one)
            run.count(entity, "restored")
        elif sent.kind != "ambiguous":
            guards.lift(ledger, one.attempt_id)
        if sent.kind == "rejected":
            changes.keep_with_reason(ledger, entity, row.source_key, "undo refused", sent.reason)
            run.count(entity, "refused")
    crashpoint("undo.after_outcome", entity)
    run.progress.advance(f"restore {entity}")
    return row if sent.kind in ("ambiguous", "never_sent") else None


def _restored(run: Run, one: Restore) -> None:
    """A record of ours holds from now on what we put there; of an adopted one nothing is ours."""
    entity = one.record.entity
    hashes: dict[str, str | None] = {}
    is_ours = one.record.origin == "created"
    for column in [*one.values, *one.done]:
        held = one.values.get(column, current_value(entity, column, one.current, run.catalog))
        hashes[column] = target_hash(column, held, salt=run.salt) if is_ours else None
    if "status" in one.values:
        for column in one.follows:
            hashes[column] = target_hash(column, None, salt=run.salt) if is_ours else None
    removals.restored(run.ledger, entity, one.row.source_key, hashes)
    doubts.settle_attempts(run.ledger, entity, one.row.source_key, "update", "applied")
