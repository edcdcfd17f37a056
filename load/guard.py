"""Who set something lower while our call was under way? Their value is put back.

The API has no conditional write: a value of a never_raise column that somebody sets between our
read and the arrival of our call is written over, and the record does not show it. Its change log
does (20 tokens a record): an entry of ours whose old value ranks below the new one. So every call
that gives such a column another value than its lowest leaves a guard in the ledger, due from the
intent on; the log is read once the call can't land any more, before the phase counts as done. What
was written over is written back, and the log is read once more, because that write could meet the
same. Entities without a change log (products) have no such columns.

Raises `RetryLater` if a value could not be put back for sure; its guard stays due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from load.crashpoints import crashpoint
from load.errors import RecordRejected, RetryLater
from load.ledger import changes, guards, records
from load.ledger.changes import UpdateIntent
from load.ledger.guards import Guard
from load.lists import pages
from load.merge import raises
from load.payload import assemble, is_empty, target_hash
from load.phases import PHASES, Phase
from load.run import Run

_ROUNDS: Final = 4
_OF_PEOPLE: Final = frozenset({"app", "mobile"})
_KEPT: Final = "kept as somebody set it while our call was under way"
_UNREAD: Final = "set by us, and the change log does not say what stood there before; look at it"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One change of a column: option ids, or None for nothing; `is_read` if both are known."""

    old: Any
    new: Any
    is_ours: bool
    is_read: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column's change log says: all is well, this was lost, or it does not tell yet."""

    kind: str
    lost: Any = None
    is_back: bool = False


def option_ranks(run: Run) -> dict[tuple[str, str], dict[int, int]]:
    """Option id -> rank, for columns that an update must not raise."""
    found: dict[tuple[str, str], dict[int, int]] = {}
    for option in run.plan.table("plan_field_options"):
        place = (option["entity"], option["column_name"])
        if run.policies.get(place) == "never_raise":
            option_id = run.catalog.option_id(*place, option["option_label"])
            if option_id is not None:
                found.setdefault(place, {})[option_id] = int(option["rank"])
    return found


def is_guarded(run: Run, phase: Phase, column: str, value: Any) -> bool:
    """Whether writing this value could raise what somebody sets at the same moment."""
    if run.policies.get((phase.entity, column)) != "never_raise" or phase.changelog_path is None:
        return False
    ranks = run.ranks.get((phase.entity, column), {})
    lowest = min(ranks.values(), default=0)
    return is_empty(value) or ranks.get(value, lowest + 1) > lowest


async def check_all(run: Run) -> None:
    """What earlier runs left due; nothing of theirs may be under way any more."""
    for phase in PHASES:
        if phase.changelog_path is not None:
            await _check(run, phase, guards.due(run.ledger, phase.entity))


async def check(run: Run, phase: Phase, source_keys: Sequence[str] | None = None) -> None:
    """The guards of these records, or of an entity, whose call is known to have ended."""
    if phase.changelog_path is None:
        return
    due = guards.due(run.ledger, phase.entity, source_keys)
    ended = {
        key: left
        for key, held in due.items()
        if (left := [one for one in held if one.outcome != "ambiguous"])
    }
    await _check(run, phase, ended)


async def _check(run: Run, phase: Phase, due: Mapping[str, list[Guard]]) -> None:
    for key, held in due.items():
        run.raise_if_stopped()
        await _check_record(run, phase, key, held)


async def _check_record(run: Run, phase: Phase, key: str, held: Sequence[Guard]) -> None:
    for turn in range(_ROUNDS):
        entries = await _change_log(run, phase, held)
        if entries is None:
            _end(run, phase, key, dict.fromkeys(held, Finding("clear")))
            return
        findings = {one: _look(run, phase, one, entries) for one in held}
        crashpoint("guard.after_look", phase.entity)
        waits = any(found.kind == "not yet" for found in findings.values())
        if waits and turn < _ROUNDS - 1:
            await run.clock.sleep(run.settings.list_lag_seconds)
            continue
        lost = {
            one.column_name: found.lost
            for one, found in findings.items()
            if found.kind == "lost" and not found.is_back
        }
        if not lost:
            _end(run, phase, key, findings)
            return
        if not await _put_back(run, phase, held[0], lost):
            _end(run, phase, key, dict.fromkeys(held, Finding("unread")))
            return
    raise RetryLater(f"a {phase.entity} could not be given back what somebody had set")


async def _change_log(
    run: Run, phase: Phase, held: Sequence[Guard]
) -> dict[str, list[_Entry]] | None:
    """The entries of the guarded columns, newest first; None of a record that is gone."""
    by_code = {
        run.catalog.code(phase.entity, one.column_name) or one.column_name: one.column_name
        for one in held
    }
    found: dict[str, list[_Entry]] = {column: [] for column in by_code.values()}
    path = (phase.changelog_path or "").format(id=held[0].pipedrive_id)
    try:
        async for page in pages(
            run.client, path, {"limit": 500}, cost=phase.changelog_cost, entity=phase.entity
        ):
            for raw in page:
                column = by_code.get(str(raw.get("field_key")))
                if column is not None:
                    found[column].append(_entry(run, phase, column, raw))
            if all(_has_ours(run, found[one.column_name], one) for one in held):
                break
    except RecordRejected:
        return None
    return found


def _has_ours(run: Run, entries: Sequence[_Entry], guard: Guard) -> bool:
    return any(_is_of(run, one, guard) for one in entries)


def _is_of(run: Run, entry: _Entry, guard: Guard) -> bool:
    sent = target_hash(guard.column_name, entry.new, salt=run.salt)
    return entry.is_ours and sent == guard.hash_sent


def _entry(run: Run, phase: Phase, column: str, raw: Mapping[str, Any]) -> _Entry:
    old, knows_old = _option(run, phase, column, raw.get("old_value"))
    new, knows_new = _option(run, phase, column, raw.get("new_value"))
    # the token's owner works in the app, too; if nobody said who that is, any program may be us
    may_be_us = run.user_id is None or raw.get("actor_user_id") == run.user_id
    by_us = may_be_us and raw.get("change_source") not in _OF_PEOPLE
    return _Entry(old, new, by_us, knows_old and knows_new)


def _option(run: Run, phase: Phase, column: str, text: Any) -> tuple[int | None, bool]:
    """The id of an option that the log gives by id or by label, and whether it is known."""
    if text is None or text == "":
        return None, True
    if str(text).isascii() and str(text).isdigit():
        return int(text), True
    by_label = run.catalog.option_id(phase.entity, column, str(text))
    return by_label, by_label is not None


def _look(run: Run, phase: Phase, guard: Guard, entries: Mapping[str, Sequence[_Entry]]) -> Finding:
    mine = entries[guard.column_name]
    place = next((n for n, one in enumerate(mine) if _is_of(run, one, guard)), None)
    if place is None:
        stands = bool(mine) and guard.hash_sent == target_hash(
            guard.column_name, mine[0].new, salt=run.salt
        )
        is_sure = guard.outcome != "ok" or stands
        return Finding("clear" if is_sure else "not yet")
    ours = [one for one in mine[: place + 1] if one.is_ours]
    if not all(one.is_read for one in ours):
        return Finding("unread")
    ranks = run.ranks.get((phase.entity, guard.column_name), {})
    over = [one.old for one in ours if not is_empty(one.old) and raises(one.old, one.new, ranks)]
    if not over:
        return Finding("clear")
    lost = min(over, key=lambda old: ranks.get(old, -1))
    last = mine[0]
    return Finding("lost", lost, is_back=not (last.is_ours and raises(lost, last.new, ranks)))


async def _put_back(run: Run, phase: Phase, guard: Guard, lost: Mapping[str, Any]) -> bool:
    """One call that writes what was written over. It is theirs, so no journal counts it as ours.

    False if it was refused.
    """
    ledger, key = run.ledger, guard.source_key
    intent = UpdateIntent(key, guard.pipedrive_id, None)
    attempt = changes.intend_updates(
        ledger, phase.entity, f"{phase.update_path}{guards.PUT_BACK}", [intent]
    )[key]
    crashpoint("guard.after_intent", phase.entity)
    sent = await run.send(
        phase.update_method,
        phase.update_path.format(id=guard.pipedrive_id),
        cost=phase.update_cost,
        body=assemble(phase.entity, key, lost, run.catalog),
        entity=phase.entity,
    )
    crashpoint("guard.after_answer", phase.entity)
    outcome = {"ok": "ok", "rejected": "rejected", "ambiguous": "ambiguous"}.get(
        sent.kind, "not_applied"
    )
    records.finish_attempt(
        ledger, attempt, outcome, http_status=sent.status, pipedrive_id=guard.pipedrive_id,
        tokens=phase.update_cost,
    )  # fmt: skip
    run.raise_if_stopped()
    if sent.kind == "ambiguous":
        await run.clock.sleep(run.settle_seconds)
    return sent.kind != "rejected"


def _end(run: Run, phase: Phase, key: str, findings: Mapping[Guard, Finding]) -> None:
    """Closes the guards, and names for a human what somebody set meanwhile."""
    ledger = run.ledger
    with ledger.transaction():
        for state, kind in (("clear", "clear"), ("put back", "lost")):
            guards.end(
                ledger, [one for one, found in findings.items() if found.kind == kind], state
            )
        unread = [one for one, found in findings.items() if found.kind in ("unread", "not yet")]
        guards.end(ledger, unread, "unread")
        kept = sorted({one.column_name for one, at in findings.items() if at.kind == "lost"})
        unsure = sorted({one.column_name for one in unread})
        for columns, why in ((unsure, _UNREAD), (kept, _KEPT)):
            if columns:
                guards.belongs_to_people(ledger, phase.entity, key, columns, why)
        if kept or unsure:
            target = next(iter(findings)).pipedrive_id
            ledger.event(
                "written over",
                {"entity": phase.entity, "id": target, "columns": kept, "unread": unsure},
            )
        guards.settle_put_backs(ledger, phase.entity, key)
    if kept or unsure:
        run.count(phase.entity, "conflict")
    crashpoint("guard.after_end", phase.entity)
