"""Changing records that are there: read, decide per column, keep what was there, then write.

Values are read a hundred at a time just before they are changed. `load.merge` decides; the journal
and the encrypted before-images are committed before the call leaves. An update whose outcome is
unknown is not repeated blindly: the record is read again after the settle time, and the same
decision, with the values of the failed attempt's journal as ours, says what is left to do.

Raises what `load.deciding` raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from load import guard
from load.crashpoints import crashpoint
from load.deciding import Change, decide_record, held_hashes
from load.errors import RecordRejected
from load.ledger import changes, doubts, guards, records
from load.ledger.changes import JournalLine, UpdateIntent
from load.ledger.records import Record, Written
from load.lists import by_ids, lines_of_deals
from load.payload import (
    as_sent,
    assemble,
    current_value,
    is_empty,
    target_hash,
)
from load.phases import Phase
from load.plan import PlanRow
from load.run import Run, Sent

_AT_ONCE = 100
# what the plan showed as a conflict; "conflict" is one that the plan did not know
LEFT_TO_PEOPLE: Final = "left to people"


async def update(
    run: Run, phase: Phase, rows: Sequence[PlanRow], known: Mapping[str, Record]
) -> list[PlanRow]:
    """Brings these confirmed records to what the plan wants. Gives the rows still in doubt."""
    in_doubt: list[PlanRow] = []
    refused = changes.refused_updates(
        run.ledger,
        phase.entity,
        [row.source_key for row in rows],
        plan_digest=run.plan.digest,
    )
    if refused:
        run.count(phase.entity, "refused update", len(refused))
        rows = [row for row in rows if row.source_key not in refused]
    for start in range(0, len(rows), _AT_ONCE):
        run.raise_if_stopped()
        chunk = rows[start : start + _AT_ONCE]
        present = await _read(run, phase, [known[row.source_key] for row in chunk])
        keys = [row.source_key for row in chunk]
        doubtful = changes.doubtful_updates(run.ledger, phase.entity, keys)
        found: list[Change] = []
        for row in chunk:
            record = known[row.source_key]
            current = present.get(record.pipedrive_id or 0)
            if current is None:
                _gone(run, phase, row)
                continue
            in_flight = doubtful.get(row.source_key, [])
            found.append(decide_record(run, phase, Change(row, record, current), known, in_flight))
        in_doubt += await _send(run, phase, found)
        await guard.check(run, phase, [row.source_key for row in chunk])
    return in_doubt


async def _read(run: Run, phase: Phase, wanted: Sequence[Record]) -> dict[int, Mapping[str, Any]]:
    ids = [record.pipedrive_id for record in wanted if record.pipedrive_id is not None]
    if phase.under_deal:
        deals = sorted({record.deal_id for record in wanted if record.deal_id is not None})
        return {line["id"]: line for line in await lines_of_deals(run.client, phase, deals)}
    if not phase.lists_by_id:
        return await _read_singly(run, phase, ids)
    return dict(await by_ids(run.client, phase, ids))


async def _read_singly(run: Run, phase: Phase, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Notes and files cannot be listed by id; one costs 2 tokens, a page of the list 20."""
    found: dict[int, Mapping[str, Any]] = {}
    for one in ids:
        path = phase.update_path.format(id=one)
        try:
            answer = await run.client.call("GET", path, cost=phase.read_cost, entity=phase.entity)
        except RecordRejected:
            continue
        if answer.data.get("active_flag", True):
            found[one] = answer.data
    return found


async def _send(run: Run, phase: Phase, decided: list[Change]) -> list[PlanRow]:
    """Sends what has something to send, and confirms the rest as it is."""
    crashpoint("update.before_intent", phase.entity)
    to_send = [change for change in decided if change.values]
    for change in decided:
        if not change.values:
            _confirm(run, phase, change, change.current, outcome="unchanged")
    if not to_send:
        return []
    attempts = changes.intend_updates(
        run.ledger, phase.entity, phase.update_path, [_intent(run, phase, one) for one in to_send]
    )
    for change in to_send:
        change.attempt_id = attempts[change.row.source_key]
    crashpoint("update.after_intent", phase.entity)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_send_one(run, phase, change)) for change in to_send]
    return [row for task in running if (row := task.result()) is not None]


def _intent(run: Run, phase: Phase, change: Change) -> UpdateIntent:
    lines = []
    # what the server empties by itself has to be put back by an undo, too
    for column, value in [*change.values.items(), *dict.fromkeys(change.lasting).items()]:
        before = current_value(phase.entity, column, change.current, run.catalog)
        lines.append(
            JournalLine(
                column_name=column,
                before=before,
                hash_before=target_hash(column, before, salt=run.salt),
                hash_sent=target_hash(column, value, salt=run.salt),
                is_guarded=guard.is_guarded(run, phase, column, value),
            )
        )
    own = dict(change.record.own_elements)
    for column in change.own_elements.keys() & change.values.keys():
        own[column] = [*dict.fromkeys([*own.get(column, []), *change.own_elements[column]])]
    return UpdateIntent(
        change.row.source_key, change.record.pipedrive_id or 0, change.row.new_hash, lines, own
    )


async def _send_one(run: Run, phase: Phase, change: Change) -> PlanRow | None:
    """One update. Gives the row back if nobody knows whether it was applied."""
    entity, key, ledger = phase.entity, change.row.source_key, run.ledger
    path = phase.update_path.format(id=change.record.pipedrive_id, deal_id=change.record.deal_id)
    body = as_sent(
        assemble(entity, key, change.values, run.catalog),
        takes_participants=phase.takes_participants,
    )
    sent = await run.send(
        phase.update_method, path, cost=phase.update_cost, body=body, entity=entity
    )
    crashpoint("update.after_answer", phase.entity)
    with ledger.transaction():
        records.finish_attempt(
            ledger, change.attempt_id, _OUTCOMES[sent.kind],
            http_status=sent.status, pipedrive_id=change.record.pipedrive_id,
            tokens=phase.update_cost,
        )  # fmt: skip
        if sent.kind == "ok":
            shown = sent.data if isinstance(sent.data, dict) else {}
            _confirm(run, phase, change, shown, outcome="updated")
        elif sent.kind != "ambiguous":
            changes.own_elements(ledger, entity, key, change.record.own_elements)
            guards.lift(ledger, change.attempt_id)
        if sent.kind == "rejected":
            _refused(run, phase, change, sent)
    crashpoint("update.after_outcome", phase.entity)
    run.progress.advance(entity)
    return change.row if sent.kind in ("ambiguous", "never_sent") else None


_OUTCOMES = {
    "ok": "ok",
    "rejected": "rejected",
    "ambiguous": "ambiguous",
    "never_sent": "not_applied",
    "stopped": "not_applied",
}


def _refused(run: Run, phase: Phase, change: Change, sent: Sent) -> None:
    if sent.status in (404, 410):
        _gone(run, phase, change.row)
        return
    # it was read before it was sent, so that is known of an earlier attempt in doubt
    key, outcome = change.row.source_key, "applied" if change.landed else "not_applied"
    doubts.settle_attempts(run.ledger, phase.entity, key, "update", outcome)
    changes.now_holds(run.ledger, phase.entity, key, held_hashes(run, phase, change))
    changes.keep_with_reason(
        run.ledger, phase.entity, change.row.source_key, str(sent.code or sent.status), sent.reason
    )
    run.count(phase.entity, "refused update")


def _gone(run: Run, phase: Phase, row: PlanRow) -> None:
    changes.mark_gone(run.ledger, phase.entity, row.source_key)
    run.count(phase.entity, "conflict")


def _confirm(
    run: Run, phase: Phase, change: Change, shown: Mapping[str, Any], *, outcome: str
) -> None:
    """Remembers what the record holds now. A column that stayed as people have it keeps the plan
    hash of its last write."""
    row, record = change.row, change.record
    fields = dict(row.field_hashes)
    for column in [*change.kept, *change.settled, *change.left_out]:
        fields.pop(column)
        if column in record.field_hashes:
            fields[column] = record.field_hashes[column]
    hashes = held_hashes(run, phase, change)
    for column, value in change.values.items():
        stored = current_value(phase.entity, column, shown, run.catalog)
        held = stored if not is_empty(stored) else value
        hashes[column] = target_hash(column, held, salt=run.salt)
    for column in change.lasting:
        stored = current_value(phase.entity, column, shown, run.catalog)
        hashes[column] = target_hash(column, stored, salt=run.salt)
    written = Written(
        pipedrive_id=record.pipedrive_id or 0,
        # left out: the next run tries again
        payload_hash=None if change.left_out else row.new_hash,
        field_hashes=fields,
        target_hashes=hashes,
        own_elements={**record.own_elements, **change.own_elements},
        origin=record.origin or "created",
        kept_columns=change.kept,
        left_out=next(iter(change.left_out.values()), None),
    )
    entity, key = phase.entity, row.source_key
    # together: a death between the two would leave the attempt in doubt for ever
    with run.ledger.transaction():
        records.confirm(run.ledger, entity, key, written, plan_digest=run.plan.digest)
        doubts.settle_attempts(run.ledger, entity, key, "update", "applied")
    run.count(phase.entity, _counted(change) or outcome)


def _counted(change: Change) -> str:
    if change.left_out or not set(change.kept) <= change.row.left_to_people:
        return "conflict"
    return LEFT_TO_PEOPLE if change.kept else ""
