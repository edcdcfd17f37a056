"""Settling unknown outcomes by looking: one sweep of the entity's list answers for all of them.

A record found live is confirmed; found several times, the lowest id is and the others are noted;
found only deleted, it was removed by somebody and is not made again; not found, it may be sent
again, three times in all. Nobody looks before the settle time is over, and never by search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from load.crashpoints import crashpoint
from load.errors import RecordRejected
from load.late import written_late
from load.ledger import doubts, records
from load.ledger.records import Record
from load.lists import lines_of_deals, newest_down_to
from load.phases import Phase
from load.run import Run

Hits = dict[str, list[dict[str, Any]]]
_IDS_MOST: Final = 200


async def settle(run: Run, phase: Phase) -> int:
    """Resolves every parked record of an entity. Gives how many may be sent again."""
    parked = records.in_state(run.ledger, phase.entity, "ambiguous")
    if not parked:
        return 0
    await _wait(run, phase)
    listed = await _look(run, phase, parked)
    hits = _by_key(run, phase, listed, parked)
    crashpoint("settle.before_commit", phase.entity)
    # at once: what the list shows now, somebody may delete before the rest is looked for
    with run.ledger.transaction():
        for record in parked:
            if record.source_key in hits:
                _found(run, phase, record, hits[record.source_key])
    absent = [one for one in parked if one.source_key not in hits]
    hidden = await _look_in_hidden(run, phase, absent, listed)
    # a list that lags behind may leave out what answers by its id
    hits = {key: live for key, found in hidden.items() if (live := _live(found))}
    missing = 0
    with run.ledger.transaction():
        for record in absent:
            if record.source_key in hits:
                _found(run, phase, record, hits[record.source_key])
            elif record.source_key in hidden:
                _deleted(run, phase, record, hidden[record.source_key])
            else:
                missing += _not_found(run, phase, record)
        run.ledger.event(
            "settled", {"entity": phase.entity, "parked": len(parked), "missing": missing}
        )
    return missing


async def _wait(run: Run, phase: Phase) -> None:
    while (left := run.settles_in(phase.entity)) > 0:
        await run.clock.sleep(left)


async def _look(run: Run, phase: Phase, parked: Sequence[Record]) -> list[dict[str, Any]]:
    """Live records among which the parked ones must be."""
    if phase.under_deal:
        deal_ids = sorted({record.deal_id for record in parked if record.deal_id is not None})
        return await lines_of_deals(run.client, phase, deal_ids)
    mark = doubts.parked_since(run.ledger, phase.entity, [one.source_key for one in parked])
    return await newest_down_to(
        run.client,
        phase.list_path,
        phase.newest_first or {},
        mark=mark,
        cost=phase.list_cost,
        entity=phase.entity,
    )


async def _look_in_hidden(
    run: Run, phase: Phase, missing: Sequence[Record], listed: Sequence[dict[str, Any]]
) -> Hits:
    """Records that the ordinary list leaves out: archived and deleted, where lists show them."""
    if not missing or phase.under_deal:
        return {}
    if not phase.hidden_lists:
        return await _look_by_id(run, phase, missing, listed)
    mark = doubts.parked_since(run.ledger, phase.entity, [one.source_key for one in missing])
    hidden: list[dict[str, Any]] = []
    for path, params, cost in phase.hidden_lists:
        hidden += await newest_down_to(
            run.client, path, params, mark=mark, cost=cost, entity=phase.entity
        )
    return _by_key(run, phase, hidden, missing)


def _live(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that nobody deleted or archived."""
    return [
        one
        for one in found
        if not one.get("is_deleted") and not one.get("is_archived") and one.get("active_flag", True)
    ]


async def _look_by_id(
    run: Run, phase: Phase, missing: Sequence[Record], listed: Sequence[dict[str, Any]]
) -> Hits:
    """Where no list shows what was deleted or merged away: the ids that the list leaves out.

    A deleted record still answers by its id. Ids follow one another, so few are left out, and the
    newest are asked for first: of more than `_IDS_MOST` the oldest are not asked for.
    """
    mark = doubts.parked_since(run.ledger, phase.entity, [one.source_key for one in missing])
    shown = {int(one["id"]) for one in listed}
    newest = max(shown | {mark, records.high_water(run.ledger, phase.entity)})
    left_out = [n for n in range(newest + len(missing), mark, -1) if n not in shown][:_IDS_MOST]
    found: list[dict[str, Any]] = []
    for one in left_out:
        if len(_by_key(run, phase, found, missing)) == len(missing):
            break
        path = phase.update_path.format(id=one)
        try:
            answer = await run.client.call("GET", path, cost=phase.read_cost, entity=phase.entity)
        except RecordRejected:
            continue
        found.append(answer.data)
    return _by_key(run, phase, found, missing)


def _by_key(
    run: Run, phase: Phase, listed: Sequence[dict[str, Any]], wanted: Sequence[Record]
) -> Hits:
    keys, hits = {record.source_key for record in wanted}, Hits()
    for found in listed:
        key = phase.key_of(found, phase.entity, run.catalog)
        if key in keys and key is not None:
            hits.setdefault(key, []).append(found)
    return hits


def _found(run: Run, phase: Phase, record: Record, found: list[dict[str, Any]]) -> None:
    first, *others = sorted(found, key=lambda one: int(one["id"]))
    lists = [
        column
        for column in record.field_hashes
        if run.policies.get((phase.entity, column)) == "merge_set"
    ]
    written = written_late(
        run.ledger, phase, record, first, run.catalog, salt=run.salt, lists=lists
    )
    records.confirm(
        run.ledger, phase.entity, record.source_key, written, plan_digest=run.plan.digest
    )
    doubts.settle_attempts(run.ledger, phase.entity, record.source_key, "create", "applied")
    for other in others:
        records.note_extra(
            run.ledger, phase.entity, other["id"], record.source_key, "landed twice", "to review"
        )
    run.count(phase.entity, "created")


def _deleted(run: Run, phase: Phase, record: Record, found: list[dict[str, Any]]) -> None:
    # an archived one is still there: without its id nobody could find or remove it
    for one in found:
        records.note_extra(
            run.ledger, phase.entity, one["id"], record.source_key,
            "deleted or archived before its id was known", "to review",
        )  # fmt: skip
    doubts.settle_attempts(run.ledger, phase.entity, record.source_key, "create", "applied")
    records.quarantine(
        run.ledger, phase.entity, record.source_key, "deleted by others",
        "it was made and then deleted or archived by somebody; it is not made again",
    )  # fmt: skip
    run.count(phase.entity, "quarantined")


def _not_found(run: Run, phase: Phase, record: Record) -> int:
    """1 if the record may be sent again."""
    entity, key = phase.entity, record.source_key
    doubts.settle_attempts(run.ledger, entity, key, "create", "not_applied")
    if doubts.times_not_applied(run.ledger, entity, key) < doubts.ROUNDS_LIMIT:
        records.back_to_planned(run.ledger, entity, key)
        return 1
    records.quarantine(
        run.ledger, entity, key, "unresolved", "sent three times and never found in the target"
    )
    run.count(entity, "quarantined")
    return 0
