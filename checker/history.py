"""Invariants over the destination's history: I1t, I5, I9. They need every change in order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from checker.destination import key_in
from checker.evidence import Change, Evidence
from checker.plan import ENTITIES
from checker.values import agrees, elements, held_value, plain, wanted_value
from checker.violation import Violation


def never_two_at_any_moment(evidence: Evidence) -> Iterator[Violation]:
    """I1t: while delays stay in the bound, no key ever stands on two live records."""
    if not evidence.delays_in_bound:
        return
    live: dict[tuple[str, str], set[int]] = {}
    fields = evidence.destination.fields
    for change in evidence.changes or ():
        if change.entity not in ENTITIES:
            continue
        before = key_in(change.entity, change.before or {}, fields)
        if before is not None:
            live.get((change.entity, before), set()).discard(change.id)
        key = key_in(change.entity, change.after or {}, fields)
        if key is None or _is_deleted(change.after):
            continue
        ids = live.setdefault((change.entity, key), set())
        ids.add(change.id)
        if len(ids) > 1 and change.by == "us":
            yield Violation("I1t", change.entity, key, f"twice at {change.at:.0f}: {sorted(ids)}")


def consent_never_rises(evidence: Evidence) -> Iterator[Violation]:
    """I5: no write of ours raises a column that may not be raised.

    What somebody set after we had last read the record cannot be seen by the call that follows: it
    may be written over for a moment, if we put it back.
    """
    plan, there = evidence.plan, evidence.destination
    guarded = [place for place, policy in plan.policies.items() if policy == "never_raise"]
    for change in evidence.changes or ():
        if change.by != "us" or change.before is None or change.after is None:
            continue
        for entity, column in guarded:
            if entity != change.entity:
                continue
            known = there.fields.get((entity, plan.names[entity, column]))
            ranks = {
                option: plan.ranks.get((entity, column), {}).get(label, 0)
                for label, option in (known.options if known else {}).items()
            }
            before = held_value(entity, column, change.before, plan, there)
            after = held_value(entity, column, change.after, plan, there)
            if before is None or _is_put_back(evidence, change, column, ranks):
                continue
            if ranks.get(after, -1) > ranks.get(before, 0):
                yield Violation("I5", entity, f"id {change.id}", f"{column} was raised by us")
            elif after is None and ranks.get(before, 0) == 0:
                yield Violation("I5", entity, f"id {change.id}", f"{column}: an opt-out cleared")


def _is_put_back(evidence: Evidence, raised: Change, column: str, ranks: Mapping[Any, int]) -> bool:
    """Whether others gave the value after we had read the record, and it came to light: the ledger
    names it, and it was there again, lower still, or others changed it; or they deleted it all."""
    plan, there = evidence.plan, evidence.destination
    history = [
        change
        for change in evidence.changes or ()
        if (change.entity, change.id) == (raised.entity, raised.id)
    ]
    lost, set_after = held_value(raised.entity, column, raised.before or {}, plan, there), False
    place = next(n for n, one in enumerate(history) if one is raised)
    is_named = any(
        (named["entity"], named["id"]) == (raised.entity, raised.id) and column in named["columns"]
        for _, _, _, what, detail, *_ in evidence.ledger.events
        if what == "written over" and (named := json.loads(detail))
    )
    for one in history[:place]:
        given = held_value(one.entity, column, one.after or {}, plan, there)
        if one.by == "others" and plain(given) == plain(lost):
            set_after = raised.basis_at is not None and one.at > raised.basis_at
    for one in history[place + 1 :]:
        was = held_value(one.entity, column, one.before or {}, plan, there)
        given = held_value(one.entity, column, one.after or {}, plan, there)
        by_others = one.by == "others" and plain(was) != plain(given)
        is_back = given is not None and ranks.get(given, 0) <= ranks.get(lost, 0)
        if set_after and one.by == "others" and _is_deleted(one.after or {}):
            return True
        if set_after and is_named and (by_others or is_back):
            return True
    return False


def edits_of_others_stay(evidence: Evidence) -> Iterator[Violation]:
    """I9: a value that others gave before we looked is not written over."""
    plan, there = evidence.plan, evidence.destination
    theirs: dict[tuple[str, int, str], tuple[float, Any]] = {}
    for change in evidence.changes or ():
        if change.before is None or change.after is None or change.entity not in ENTITIES:
            continue
        for entity, column in plan.policies:
            if entity != change.entity:
                continue
            before = held_value(entity, column, change.before, plan, there)
            after = held_value(entity, column, change.after, plan, there)
            if plain(before) == plain(after):
                continue
            place = (entity, change.id, column)
            if change.by == "others":
                added = elements(column, after) - elements(column, before) if _many(after) else None
                theirs[place] = (change.at, added)
            elif place in theirs:
                is_list = plan.policies[place[0], column] == "merge_set"
                edit = theirs[place] if is_list else theirs.pop(place)
                # after a write of ours, race or not, a single value is no longer theirs
                if _overwrites(evidence, change, column, edit):
                    what = f"{column}: an edit of others was overwritten"
                    yield Violation("I9", entity, f"id {change.id}", what)


def what_others_did_is_not_undone(evidence: Evidence) -> Iterator[Violation]:
    """I9: we delete no record that holds what others had put there before we looked, and make none
    again that others deleted. A create that had left before they deleted it, and lands beyond the
    bound, cannot be called back: what it made is gone at the end, or named."""
    fields = evidence.destination.fields
    edits: dict[tuple[str, int], list[Change]] = {}
    deleted: dict[tuple[str, str | None], float] = {}
    for change in evidence.changes or ():
        if change.entity not in ENTITIES:
            continue
        place, was_there = (change.entity, change.id), not _is_deleted(change.before or {})
        is_gone = change.after is not None and _is_deleted(change.after) and was_there
        key = key_in(change.entity, change.after or {}, fields)
        if change.by == "others" and is_gone:
            deleted[change.entity, key] = change.at
        elif change.by == "others":
            edits.setdefault(place, []).append(change)
        elif is_gone and any(_shows(evidence, change, one) for one in edits.get(place, ())):
            yield Violation("I9", change.entity, f"id {change.id}", "deleted with others' edits")
        elif change.before is None and key is not None and (change.entity, key) in deleted:
            if not _had_left(evidence, change, deleted[change.entity, key]):
                yield Violation("I9", change.entity, key, "made again after others had deleted it")
            elif evidence.destination.is_live(*place) and place not in evidence.ledger.extras:
                what = "landed after others had deleted it, and is there unnoted"
                yield Violation("I9", change.entity, key, what)


def _had_left(evidence: Evidence, change: Change, deleted_at: float) -> bool:
    """Whether a call was under way, beyond the bound, when others deleted what it makes again."""
    if evidence.delays_in_bound or change.sent_at is None:
        return False
    return change.sent_at < deleted_at


def _shows(evidence: Evidence, deletion: Change, edit: Change) -> bool:
    """Whether a record still had an edit when we deleted it, but not as the plan has it."""
    plan, there = evidence.plan, evidence.destination
    row = plan.rows.get(key_in(edit.entity, deletion.before or {}, there.fields) or "")
    if edit.before is None or (deletion.basis_at or 0) <= edit.at:
        return False
    for entity, column in plan.policies:
        if entity != edit.entity:
            continue
        was, given, last = (
            held_value(entity, column, record or {}, plan, there)
            for record in (edit.before, edit.after, deletion.before)
        )
        if plain(was) == plain(given) or plain(given) != plain(last):
            continue
        planned = row.payload.get(column) if row else None
        wanted = wanted_value(entity, column, planned, plan, there, evidence.ledger)
        if not agrees(column, wanted, last, as_subset=False):
            return True
    return False


def _overwrites(evidence: Evidence, change: Change, column: str, edit: tuple[float, Any]) -> bool:
    """Whether our change destroyed an edit that we had seen, or could have seen."""
    edited_at, added = edit
    if change.basis_at is not None and change.basis_at < edited_at:
        return False
    policy = evidence.plan.policies[change.entity, column]
    plan, there = evidence.plan, evidence.destination
    before = held_value(change.entity, column, change.before or {}, plan, there)
    after = held_value(change.entity, column, change.after or {}, plan, there)
    if policy == "never_raise":
        return False
    if policy == "merge_set":
        lost = elements(column, before) - elements(column, after)
        return bool(lost & (added or frozenset()))
    return plain(before) is not None


def _many(value: Any) -> bool:
    return isinstance(value, list)


def _is_deleted(record: Any) -> bool:
    return bool(record.get("is_deleted")) or record.get("active_flag") is False
