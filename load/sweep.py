"""The closing sweep: after a quiet time, what landed later than the settle time allowed for.

Only calls whose outcome was ever unknown can leave something behind, so each entity is listed down
to the lowest id that such a call could have made. A record with our key that the ledger does not
have there is confirmed if the ledger lacks it, removed if it is an untouched double without
anything hanging on it, and else noted in `extras` for a human. Nothing else is changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from load.account import holder_of
from load.errors import ConfigError, Rejected, RetryLater
from load.late import written_late
from load.ledger import catalog, doubts, records
from load.ledger.records import Record
from load.ledger.store import Ledger
from load.lists import lines_of_deals, newest_down_to
from load.payload import Catalog, current_value, target_hash
from load.phases import PHASES, Phase
from load.run import Sender, Shows, Timings, Waits

_LONGEST_WAIT: Final = 120.0
_IS_GONE: Final = (404, 410)
# a deal's value follows its lines; which deal a line is under is not among its values
_NOT_COMPARED: Final = ("value", "deal__source_key")
_COUNTERS: Final = {
    "person": "activities_count,notes_count,files_count,open_deals_count,closed_deals_count",
    "organization": "activities_count,notes_count,files_count,open_deals_count,"
    "closed_deals_count,people_count",
    "deal": "activities_count,notes_count,files_count,products_count",
}


@dataclass(slots=True)
class SweepResult:
    """What the sweep found: `counts` is entity -> what -> records."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    writes: int = 0
    exit_code: int = 0

    def count(self, entity: str, what: str) -> None:
        self.counts.setdefault(entity, Counter())[what] += 1


@dataclass(slots=True)
class _Sweep:
    ledger: Ledger
    client: Sender
    names: Catalog
    salt: str
    result: SweepResult


async def sweep(
    ledger: Ledger,
    client: Sender,
    *,
    settings: Timings,
    clock: Waits,
    progress: Shows,
) -> SweepResult:
    """Closes a load. Raises `RetryLater` while the quiet time is far from over."""
    bound = ledger.binding()
    if bound is None:
        raise ConfigError("the ledger knows of no load yet; run apply first")
    with ledger.exclusive():
        if (await holder_of(client)).company_id != bound["company_id"]:
            raise ConfigError("the token is of another company than the ledger; use the ledger's")
        await _be_quiet(ledger, settings, clock, progress)
        ledger.start_run("sweep", plan_digest=None, code_version="1")
        names = Catalog(catalog.field_codes(ledger), catalog.option_ids(ledger))
        job = _Sweep(ledger, client, names, bound["ledger_id"], SweepResult())
        reason = "failed"
        try:
            for phase in PHASES:
                progress.start(f"sweep {phase.entity}", None)
                await _sweep_entity(job, phase)
                progress.finish(f"sweep {phase.entity}")
            reason = "done"
        finally:
            ledger.end_run(reason, writes=job.result.writes)
    what = {name for counter in job.result.counts.values() for name in counter}
    job.result.exit_code = 3 if "to review" in what else 0
    return job.result


async def _be_quiet(ledger: Ledger, settings: Timings, clock: Waits, progress: Shows) -> None:
    last = doubts.last_write(ledger)
    if last is None:
        return
    elapsed = (ledger.now() - last).total_seconds()
    if elapsed < 0:
        # this machine's clock was set back: nobody knows how long ago that was
        task = "quiet time, whole because the clock was set back"
        progress.start(task, None)
        await clock.sleep(settings.quiet_seconds)
        progress.finish(task)
        return
    left = settings.quiet_seconds - elapsed
    if left > _LONGEST_WAIT:
        raise RetryLater(
            f"the closing sweep waits for {settings.quiet_seconds:.0f} quiet seconds after the last"
            f" write; run it again in {left / 60:.0f} minutes"
        )
    if left > 0:
        await clock.sleep(left)


async def _sweep_entity(job: _Sweep, phase: Phase) -> None:
    mark = doubts.lowest_doubt(job.ledger, phase.entity)
    if mark is None:
        return
    if phase.under_deal:
        listed = await lines_of_deals(
            job.client, phase, doubts.deals_in_doubt(job.ledger, phase.entity)
        )
    else:
        listed = await newest_down_to(
            job.client,
            phase.list_path,
            phase.newest_first or {},
            mark=mark,
            cost=phase.list_cost,
            entity=phase.entity,
        )
    keyed = [
        (key, one)
        for one in listed
        if (key := phase.key_of(one, phase.entity, job.names)) is not None
    ]
    known = records.fetch(job.ledger, [key for key, _ in keyed])
    for key, found in sorted(keyed, key=lambda pair: int(pair[1]["id"])):
        record = known.get(key)
        if record is not None and record.pipedrive_id == found["id"]:
            job.result.count(phase.entity, "in place")
        elif record is not None and record.pipedrive_id is None:
            known[key] = _confirm_late(job, phase, record, found)
        else:
            await _double(job, phase, key, record, found)


def _confirm_late(job: _Sweep, phase: Phase, record: Record, found: dict[str, Any]) -> Record:
    written = written_late(
        job.ledger, phase, record, found, job.names, salt=job.salt, lists=record.own_elements
    )
    records.confirm(job.ledger, phase.entity, record.source_key, written, plan_digest="")
    job.result.count(phase.entity, "landed late")
    return records.fetch(job.ledger, [record.source_key])[record.source_key]


async def _double(
    job: _Sweep, phase: Phase, key: str, record: Record | None, found: dict[str, Any]
) -> None:
    """A second record of one key: ours to remove only as long as nobody has touched it."""
    is_ours = record is not None and _is_untouched(job, phase, record, found)
    if not is_ours or await _has_children(job, phase, found["id"]):
        why = "key unknown to this ledger" if record is None else "double, touched by others"
        records.note_extra(job.ledger, phase.entity, found["id"], key, why, "to review")
        job.result.count(phase.entity, "to review")
        return
    records.note_extra(job.ledger, phase.entity, found["id"], key, "landed twice", "removing")
    path = phase.update_path.format(id=found["id"], deal_id=found.get("deal_id"))
    job.result.writes += 1
    why, what = "landed twice", "removed"
    try:
        await job.client.call("DELETE", path, cost=phase.delete_cost, entity=phase.entity)
    except Rejected as refusal:
        # a line of a deal that somebody archived, say: it stays, and the others go on
        if refusal.status not in _IS_GONE:
            why, what = f"landed twice, its deletion is refused with {refusal.status}", "to review"
    records.note_extra(job.ledger, phase.entity, found["id"], key, why, what)
    job.result.count(phase.entity, what)


def _is_untouched(job: _Sweep, phase: Phase, record: Record, found: dict[str, Any]) -> bool:
    """Whether each column holds what one of our creates sent, or what the confirmed record has.

    The record may have been updated since; its double still holds what was sent first. A record
    that we adopted has no double of ours: its key moves to another one when people merge it away.
    """
    sent = doubts.sent_by_creates(job.ledger, phase.entity, record.source_key)
    if not sent:
        return False
    shown = {
        column: target_hash(
            column, current_value(phase.entity, column, found, job.names), salt=job.salt
        )
        for column in {name for one in (record.target_hashes, *sent) for name in one}
        if column not in _NOT_COMPARED
    }
    return any(
        all(
            shown[column] in (expected, record.target_hashes.get(column))
            for column, expected in one.items()
            if column in shown
        )
        for one in (record.target_hashes, *sent)
        if one
    )


async def _has_children(job: _Sweep, phase: Phase, record_id: int) -> bool:
    """Whether anything hangs on a record: activities, notes, files, deals, lines, people. Yes, too,
    of one that can't be looked at."""
    counters = _COUNTERS.get(phase.entity)
    if counters is None:
        return False
    try:
        answer = await job.client.call(
            "GET",
            phase.update_path.format(id=record_id),
            cost=1,
            params={"include_fields": counters},
            entity=phase.entity,
        )
    except Rejected as refusal:
        return refusal.status not in _IS_GONE
    return any(answer.data.get(name) for name in counters.split(","))
