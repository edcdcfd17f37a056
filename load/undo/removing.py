"""Deleting what we made: a last look, the intent, the call; and a look before any second call.

A DELETE whose outcome is unknown leaves its record `removing`. It is read again after the settle
time: missing means done, there and untouched means once more, touched meanwhile means kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from load.crashpoints import crashpoint
from load.errors import RetryLater
from load.ledger import changes, records, removals
from load.ledger.records import Record
from load.phases import PHASE_OF, Phase
from load.run import Run, Sent
from load.undo.account import Account, anything_hangs_on, read_again
from load.undo.plan import UndoRow
from load.undo.rules import touched

AT_ONCE = 100
_ROUNDS = 3


async def remove(run: Run, entity: str, rows: Sequence[UndoRow], account: Account) -> None:
    """Deletes these records, a hundred at a time."""
    run.progress.start(f"delete {entity}", len(rows))
    for start in range(0, len(rows), AT_ONCE):
        run.raise_if_stopped()
        waiting = list(rows[start : start + AT_ONCE])
        for number in range(_ROUNDS):
            # where a look costs as much as the deletion: only if it was tried before
            looks = number > 0 or PHASE_OF[entity].lists_by_id or _any_removing(run, waiting)
            waiting = await _round(run, PHASE_OF[entity], waiting, account, looks=looks)
            if not waiting:
                break
            await run.clock.sleep(run.settle_seconds)
        if waiting:
            raise RetryLater(f"{len(waiting)} {entity} records could not be deleted for sure")
    run.progress.finish(f"delete {entity}")


def _any_removing(run: Run, rows: Sequence[UndoRow]) -> bool:
    known = records.fetch(run.ledger, [row.source_key for row in rows])
    return any(record.state == "removing" for record in known.values())


async def _round(
    run: Run, phase: Phase, rows: Sequence[UndoRow], account: Account, *, looks: bool
) -> list[UndoRow]:
    """One try at each; gives back those whose outcome is unknown."""
    known = records.fetch(run.ledger, [row.source_key for row in rows])
    ready = await _still_ours(run, phase, rows, known, account) if looks else list(rows)
    if not ready:
        return []
    crashpoint("undo.before_intent", phase.entity)
    attempts = removals.intend_removals(
        run.ledger, phase.entity, phase.update_path, [row.source_key for row in ready]
    )
    crashpoint("undo.after_intent", phase.entity)
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(
                _remove_one(run, phase, row, known[row.source_key], attempts[row.source_key])
            )
            for row in ready
        ]
    run.raise_if_stopped()
    return [row for task in running if (row := task.result()) is not None]


async def _still_ours(
    run: Run, phase: Phase, rows: Sequence[UndoRow], known: dict[str, Record], account: Account
) -> list[UndoRow]:
    """The last look: what people touched since the plan was made stays."""
    entity, ready = phase.entity, []
    present = await read_again(
        run, phase, [row.pipedrive_id for row in rows],
        [known[row.source_key].deal_id or 0 for row in rows], account.archived,
    )  # fmt: skip
    for row in rows:
        shown = present.get(row.pipedrive_id)
        if shown is None:
            _gone(run, row, by_us=known[row.source_key].state == "removing")
            continue
        reasons = touched(known[row.source_key], shown, run.catalog, salt=run.salt)
        hung = anything_hangs_on(entity, shown)
        if reasons or hung:
            why = "changed by others" if reasons else "carries"
            keep(run, row, f"{why}: {', '.join(sorted(reasons or hung))}")
            continue
        ready.append(row)
    return ready


async def _remove_one(
    run: Run, phase: Phase, row: UndoRow, record: Record, attempt: int
) -> UndoRow | None:
    entity, ledger = phase.entity, run.ledger
    path = phase.update_path.format(id=row.pipedrive_id, deal_id=record.deal_id)
    cost = phase.delete_cost
    sent = await run.send("DELETE", path, cost=cost, body=None, entity=entity)
    crashpoint("undo.after_answer", entity)
    is_gone = sent.kind == "ok" or (sent.kind == "rejected" and sent.status in (404, 410))
    with ledger.transaction():
        if sent.kind in ("ok", "rejected", "ambiguous"):
            records.finish_attempt(
                ledger, attempt, _outcome(sent, is_gone=is_gone), http_status=sent.status,
                pipedrive_id=row.pipedrive_id, tokens=cost,
            )  # fmt: skip
        if is_gone:
            removed(run, row, record)
        elif sent.kind == "rejected":
            keep(run, row, sent.reason, outcome="refused")
        elif sent.kind in ("never_sent", "stopped"):
            records.finish_attempt(ledger, attempt, "not_applied", tokens=0)
            records.set_state(ledger, entity, row.source_key, record.state)
    crashpoint("undo.after_outcome", entity)
    run.progress.advance(f"delete {entity}")
    return row if sent.kind in ("ambiguous", "never_sent") else None


def _outcome(sent: Sent, *, is_gone: bool) -> str:
    if is_gone:
        return "ok"
    return "rejected" if sent.kind == "rejected" else "ambiguous"


def removed(run: Run, row: UndoRow, record: Record) -> None:
    """Writes down that a record is gone, and with a deal its lines."""
    removals.removed(run.ledger, row.entity, row.source_key, row.why)
    if row.entity == "deal":
        removals.lines_went_with(run.ledger, row.pipedrive_id)
    if row.entity == "deal_product" and record.deal_id is not None:
        removals.value_is_due(run.ledger, record.deal_id)
    run.count(row.entity, "deleted")


def keep(run: Run, row: UndoRow, why: str, *, outcome: str = "kept") -> None:
    """Writes down that a record stays, and why."""
    removals.kept(run.ledger, row.entity, row.source_key, why)
    run.ledger.event("kept by undo", {"entity": row.entity, "id": row.pipedrive_id, "why": why})
    run.count(row.entity, outcome)


def _gone(run: Run, row: UndoRow, *, by_us: bool) -> None:
    settle_gone(run, row.entity, row.source_key, row.pipedrive_id, by_us=by_us)


def settle_gone(run: Run, entity: str, source_key: str, target: int, *, by_us: bool) -> None:
    """A record that no list shows any more: ours to delete again some day, or others' doing."""
    if by_us:
        removals.removed(run.ledger, entity, source_key, "deleted by us before")
        if entity == "deal":
            removals.lines_went_with(run.ledger, target)
        run.count(entity, "deleted")
    else:
        changes.mark_gone(run.ledger, entity, source_key)
        run.count(entity, "gone before")
