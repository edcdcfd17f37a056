"""Sending new records: intents of a small group first, then the calls, each outcome as it comes.

Lines go out one by one or in bulk, whichever costs less for the lines that a deal still lacks.
A record is sent only with all its parents confirmed; one whose parent is quarantined joins it.
Raises `ConfigError` when the account's cap is reached, `TargetChanged` when a field is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from load.archiving import is_archived
from load.crashpoints import crashpoint
from load.errors import ConfigError, RecordRejected, TargetChanged
from load.ledger import records
from load.ledger.records import CreateIntent, Record, Written
from load.lists import pages
from load.merge import element_hashes
from load.payload import (
    ARCHIVED_COLUMN,
    PARENT_SUFFIX,
    Translation,
    as_sent,
    canonical,
    create_body,
    current_value,
    is_empty,
    parent_keys,
    target_hash,
)
from load.phases import Phase
from load.plan import PlanRow
from load.run import Run, Sent
from load.uploads import as_upload

_CAP_CODES = ("feature_capping",)
_DEAD = frozenset({"quarantined", "gone", "removed"})


@dataclass(slots=True)
class Draft:
    """A record ready to be sent."""

    row: PlanRow
    body: dict[str, Any]
    deal_id: int | None
    attempt_id: int = 0


@dataclass(slots=True)
class CreateCall:
    """One call: a record, or several lines of one deal."""

    path: str
    cost: int
    drafts: list[Draft] = field(default_factory=list)

    @property
    def is_bulk(self) -> bool:
        return self.path.endswith("/bulk")


async def create(run: Run, phase: Phase, rows: Sequence[PlanRow], known: dict[str, Record]) -> None:
    """Sends these rows, of which the ledger is sure that the target does not have them."""
    drafts = [draft for row in rows if (draft := _draft(run, phase, row, known)) is not None]
    calls = _calls(phase, drafts)
    while calls:
        run.raise_if_stopped()
        group = _take(calls, run.group_size)
        await _send_group(run, phase, group)
        await _check_suspects(run, phase)
    run.raise_if_stopped()


async def _check_suspects(run: Run, phase: Phase) -> None:
    """A refusal that names one of our fields: is the field still there?

    If it is gone, or nobody can say, what was refused over it is no fault of the records.
    """
    suspects, run.suspects = run.suspects, {}
    if not suspects or phase.field_list is None:
        return
    gone = set(suspects)
    try:
        async for page in pages(
            run.client, phase.field_list, {"limit": 500}, cost=10, entity="field"
        ):
            gone -= {remote["field_code"] for remote in page}
    finally:
        _release(run, [record for code in gone for record in suspects[code]])
    if gone:
        raise TargetChanged(
            f"{phase.entity}: {len(gone)} of our custom fields were deleted during the run;"
            " restore them or drop them from the mapping, then plan again"
        )


def _release(run: Run, refused: Sequence[tuple[str, str]]) -> None:
    with run.ledger.transaction():
        for entity, key in refused:
            records.back_to_planned(run.ledger, entity, key)
            run.count(entity, "quarantined", -1)


def _draft(run: Run, phase: Phase, row: PlanRow, known: dict[str, Record]) -> Draft | None:
    """The body of a row, or None if it waits for a parent or joins it in quarantine."""
    parent_ids: dict[str, int] = {}
    for key in dict.fromkeys([*parent_keys(row.payload), *row.parents]):
        parent = known.get(key)
        if parent is not None and parent.state in _DEAD:
            _quarantine(run, phase, row, "parent", f"its parent {key} is {parent.state}")
            return None
        if parent is None or parent.state != "confirmed" or parent.pipedrive_id is None:
            run.count(phase.entity, "waiting")
            return None
        if is_archived(run, parent):
            _quarantine(run, phase, row, "archived", f"its parent {key} is archived")
            return None
        parent_ids[key] = parent.pipedrive_id
    try:
        body = create_body(
            phase.entity, row.source_key, row.payload, Translation(run.catalog, parent_ids)
        )
    except RecordRejected as error:
        _quarantine(run, phase, row, "mapping", str(error))
        return None
    deal_key = row.payload.get(f"deal{PARENT_SUFFIX}")
    deal_id = parent_ids.get(deal_key) if deal_key else None
    if phase.under_deal:
        body.pop("deal_id", None)
    body.pop(ARCHIVED_COLUMN, None)
    return Draft(row, body, deal_id)


def _calls(phase: Phase, drafts: list[Draft]) -> list[CreateCall]:
    """The cheapest calls for these drafts; lines of one deal stand together."""
    if not phase.under_deal:
        return [CreateCall(phase.create_path, phase.create_cost, [draft]) for draft in drafts]
    calls = []
    for deal_id, lines in groupby(drafts, key=lambda draft: draft.deal_id):
        path, waiting = phase.create_path.format(deal_id=deal_id), list(lines)
        while len(waiting) >= phase.bulk_from:
            batch, waiting = waiting[: phase.bulk_most], waiting[phase.bulk_most :]
            calls.append(CreateCall(f"{path}/bulk", phase.bulk_cost, batch))
        calls += [CreateCall(path, phase.create_cost, [line]) for line in waiting]
    return calls


def _take(calls: list[CreateCall], most: int) -> list[CreateCall]:
    """The next calls, up to about a group's worth of records."""
    group: list[CreateCall] = []
    size = 0
    while calls and size < most:
        group.append(calls.pop(0))
        size += len(group[-1].drafts)
    return group


async def _send_group(run: Run, phase: Phase, group: list[CreateCall]) -> None:
    crashpoint("create.before_intent", phase.entity)
    intents = [
        CreateIntent(
            draft.row.source_key,
            draft.row.new_hash,
            draft.row.field_hashes,
            draft.deal_id,
            _sent_hashes(run, phase, draft),
            _own_elements(run, phase, draft.row, draft.body),
        )
        for call in group
        for draft in call.drafts
    ]
    attempts = records.intend_creates(
        run.ledger, phase.entity, phase.create_path, intents, plan_digest=run.plan.digest
    )
    for call in group:
        for draft in call.drafts:
            draft.attempt_id = attempts[draft.row.source_key]
    crashpoint("create.after_intent", phase.entity)
    async with asyncio.TaskGroup() as tasks:
        for call in group:
            tasks.create_task(_send_call(run, phase, call))


def _sent_hashes(run: Run, phase: Phase, draft: Draft) -> dict[str, str]:
    return {
        column: target_hash(
            column, current_value(phase.entity, column, draft.body, run.catalog), salt=run.salt
        )
        for column in draft.row.payload
    }


def _own_elements(
    run: Run, phase: Phase, row: PlanRow, body: dict[str, Any]
) -> dict[str, list[str]]:
    """The elements that a create puts into lists which others may add to."""
    return {
        column: element_hashes(
            column, current_value(phase.entity, column, body, run.catalog), salt=run.salt
        )
        for column, value in row.payload.items()
        if not is_empty(value) and run.policies.get((phase.entity, column)) == "merge_set"
    }


async def _send_call(run: Run, phase: Phase, call: CreateCall) -> None:
    sent_bodies = [
        as_sent(draft.body, takes_participants=phase.takes_participants) for draft in call.drafts
    ]
    body: object = {"data": sent_bodies} if call.is_bulk else sent_bodies[0]
    upload = None
    if phase.uploads:
        upload, body = as_upload(call.drafts[0].row.source_key, sent_bodies[0])
    sent = await run.send(
        "POST", call.path, cost=call.cost, body=body, entity=phase.entity, upload=upload
    )
    crashpoint("create.after_answer", phase.entity)
    if call.is_bulk and sent.kind == "rejected":
        await _send_lines_singly(run, phase, call, sent)
        return
    found = _found_lines(run, phase, call, sent) if call.is_bulk else {}
    tokens = call.cost
    with run.ledger.transaction():
        for draft in call.drafts:
            line = found.get(draft.row.source_key) if call.is_bulk else sent.data
            _settle_draft(run, phase, draft, sent, line, tokens=tokens)
            tokens = 0
    crashpoint("create.after_outcome", phase.entity)
    run.progress.advance(phase.entity, len(call.drafts))


def _found_lines(run: Run, phase: Phase, call: CreateCall, sent: Sent) -> dict[str, Any]:
    """The lines of a bulk answer by the key that each carries, not by their position."""
    if sent.kind != "ok" or not isinstance(sent.data, list):
        return {}
    keys = {draft.row.source_key for draft in call.drafts}
    lines = {phase.key_of(line, phase.entity, run.catalog): line for line in sent.data}
    return {key: line for key, line in lines.items() if key in keys and key is not None}


async def _send_lines_singly(run: Run, phase: Phase, call: CreateCall, sent: Sent) -> None:
    """A refused bulk call stored nothing: its lines go alone, and only the bad one stays out."""
    with run.ledger.transaction():
        for draft in call.drafts:
            records.finish_attempt(
                run.ledger, draft.attempt_id, "rejected", http_status=sent.status, tokens=0
            )
            records.back_to_planned(run.ledger, phase.entity, draft.row.source_key)
    path = call.path.removesuffix("/bulk")
    singles = [CreateCall(path, phase.create_cost, [draft]) for draft in call.drafts]
    run.raise_if_stopped()
    await _send_group(run, phase, singles)


def _settle_draft(
    run: Run, phase: Phase, draft: Draft, sent: Sent, data: Any, *, tokens: int
) -> None:
    """Writes down one record's outcome."""
    entity, key, ledger = phase.entity, draft.row.source_key, run.ledger
    record_id = data.get("id") if sent.kind == "ok" and isinstance(data, dict) else None
    if isinstance(record_id, int) and not isinstance(record_id, bool):
        written = _written(run, phase, draft.row, data, draft.body)
        records.finish_attempt(
            ledger, draft.attempt_id, "ok",
            http_status=sent.status, pipedrive_id=record_id, tokens=tokens,
        )  # fmt: skip
        records.confirm(ledger, entity, key, written, plan_digest=run.plan.digest)
        run.count(entity, "created")
        run.fresh[record_id] = key
    elif sent.kind in ("ok", "ambiguous"):
        records.finish_attempt(
            ledger, draft.attempt_id, "ambiguous", http_status=sent.status, tokens=tokens
        )
        records.park(ledger, entity, key, settle_seconds=run.settle_seconds)
        run.doubt(entity)
    elif sent.kind == "rejected":
        # without a status nothing was sent: the content is not what was planned
        spent = tokens if sent.status is not None else 0
        records.finish_attempt(
            ledger, draft.attempt_id, "rejected", http_status=sent.status, tokens=spent
        )
        _refuse(run, phase, draft.row, sent)
    else:
        records.finish_attempt(ledger, draft.attempt_id, "rejected", tokens=0)
        records.back_to_planned(ledger, entity, key)


def _refuse(run: Run, phase: Phase, row: PlanRow, sent: Sent) -> None:
    """A refusal is of this record, unless it says that nothing of the kind can go on."""
    if sent.code and sent.code.startswith(_CAP_CODES):
        records.back_to_planned(run.ledger, phase.entity, row.source_key)
        run.stop(
            ConfigError(
                f"{phase.entity} {row.source_key}: the account's cap is reached ({sent.code});"
                " raise it or choose another strategy, then plan again"
            )
        )
        return
    if sent.field in run.catalog.field_codes():
        run.suspects.setdefault(sent.field or "", []).append((phase.entity, row.source_key))
    _quarantine(run, phase, row, str(sent.code or sent.status), sent.reason)


def _quarantine(run: Run, phase: Phase, row: PlanRow, code: str, reason: str) -> None:
    records.quarantine(run.ledger, phase.entity, row.source_key, code, reason)
    run.count(phase.entity, "quarantined")


def _written(
    run: Run, phase: Phase, row: PlanRow, data: dict[str, Any], body: dict[str, Any]
) -> Written:
    """What the target holds after a create, by its own answer where it shows the column."""
    hashes = {}
    for column, value in row.payload.items():
        if is_empty(value):
            hashes[column] = target_hash(column, None, salt=run.salt)
            continue
        sent_value = current_value(phase.entity, column, body, run.catalog)
        stored = current_value(phase.entity, column, data, run.catalog)
        held = sent_value if canonical(column, stored) is None else stored
        hashes[column] = target_hash(column, held, salt=run.salt)
    elements = _own_elements(run, phase, row, body)
    return Written(data["id"], row.new_hash, row.field_hashes, hashes, elements)
