"""Invariants of the runs themselves: I7, I10, I11, I12, I13, I14, I15."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from checker.destination import PARENTS, Destination, Held
from checker.evidence import Call, Evidence
from checker.plan import ENTITIES
from checker.values import plain
from checker.violation import Violation

DAY: Final = 86_400.0
_LEFT_OUT: Final = frozenset({"update_time", "stage_change_time"})


def undo_leaves_the_account_as_it_was(evidence: Evidence) -> Iterator[Violation]:
    """I7: after an undo, what was there before is there again, and nothing of ours is."""
    if evidence.before is None or not evidence.is_undone:
        return
    touched = {
        (change.entity, change.id) for change in evidence.changes or () if change.by == "others"
    }
    for entity in ENTITIES:
        for held in evidence.before.live(entity):
            now = evidence.destination.held(entity, held.id)
            place = (entity, held.id)
            if place not in touched and (
                now is None or now.deleted or not _is_as_before(evidence, held, now)
            ):
                yield Violation("I7", entity, f"id {held.id}", "is not as it was before the load")
        for held in evidence.destination.live(entity):
            key = evidence.destination.key_of(held)
            known = evidence.ledger.known.get(key or "")
            is_old = evidence.before.held(entity, held.id) is not None
            if known is None or is_old or known.reason or (entity, held.id) in touched:
                continue
            what = "made by us and still there, without a reason"
            yield Violation("I7", entity, known.source_key, what)


def limits_are_kept(evidence: Evidence) -> Iterator[Violation]:
    """I10: the customer's share of a day's tokens is left, and no window is overfilled."""
    limits = evidence.limits
    if limits is None:
        return
    spent: Counter[int] = Counter()
    window: deque[float] = deque()
    for call in evidence.calls or ():
        spent[int(call.at // DAY)] += call.tokens
        if call.status == 429:
            continue
        window.append(call.at)
        while window[0] <= call.at - limits.window:
            window.popleft()
        if len(window) > limits.calls_in_window:
            what = f"{len(window)} calls within {limits.window} s"
            yield Violation("I10", "calls", f"at {call.at:.0f}", what)
    for day, tokens in spent.items():
        if tokens > limits.tokens_a_day * limits.share + limits.to_find_out:
            what = f"{tokens} of {limits.tokens_a_day} tokens; our share is {limits.share:.0%}"
            yield Violation("I10", "tokens", f"day {day}", what)


def dry_runs_write_nothing(evidence: Evidence) -> Iterator[Violation]:
    """I11: a dry run and a preflight send no write."""
    yield from _writes("I11", evidence.dry_calls, "a dry run")


def repetitions_write_nothing(evidence: Evidence) -> Iterator[Violation]:
    """I15: a second load and a second undo send no write."""
    yield from _writes("I15", evidence.repeated_calls, "a repetition")


def a_resumed_run_ends_like_an_undisturbed_one(evidence: Evidence) -> Iterator[Violation]:
    """I12: the same end state, ids and times aside."""
    if evidence.lines is None or evidence.undisturbed_lines is None:
        return
    mine, other = Counter(evidence.lines), Counter(evidence.undisturbed_lines)
    for line in (mine - other).keys() | (other - mine).keys():
        entity = line.split("\t", 1)[0]
        where = "only here" if mine[line] > other[line] else "only in the undisturbed run"
        key = hashlib.sha256(line.encode()).hexdigest()[:12]
        yield Violation("I12", entity, f"line {key}", where)


def no_secret_in_artefacts(evidence: Evidence) -> Iterator[Violation]:
    """I13: no secret and no person's data in ledger, logs, reports."""
    for name, content in evidence.artefacts.items():
        for number, secret in enumerate(evidence.secrets, 1):
            if secret.encode() in content:
                yield Violation("I13", "artefact", name, f"holds secret text number {number}")


def the_event_chain_holds(evidence: Evidence) -> Iterator[Violation]:
    """I14: every event follows from the one before."""
    previous = ""
    for place, event in enumerate(evidence.ledger.events, 1):
        *content, own = event
        expected = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        if content[0] != place or content[-1] != previous or own != expected:
            yield Violation("I14", "event", str(content[0]), "does not follow from the one before")
            return
        previous = own
    if evidence.ledger.known and not evidence.ledger.events:
        yield Violation("I14", "event", "1", "there are records and no event")


def _writes(invariant: str, calls: Sequence[Call] | None, what: str) -> Iterator[Violation]:
    for call in calls or ():
        if call.method != "GET":
            yield Violation(invariant, "call", f"{call.method} {call.path}", f"sent by {what}")


def _is_as_before(evidence: Evidence, held: Held, now: Held) -> bool:
    """Equal, but for consent that stays narrowed and a link that the API cannot clear."""
    before, after = _comparable(held.record), _comparable(now.record)
    for (entity, column), policy in evidence.plan.policies.items():
        if entity != held.entity:
            continue
        name, links = evidence.plan.names[entity, column], column.endswith("__source_key")
        field = evidence.destination.fields.get((entity, name))
        if policy == "never_raise" and field is not None:
            before["custom_fields"].pop(field.code, None)
            after["custom_fields"].pop(field.code, None)
        link = column.removesuffix("__source_key") + "_id"
        # whether we removed that parent is I4's question
        if (
            links
            and before.get(link) is None
            and evidence.destination.held(PARENTS[link], after.get(link))
        ):
            after.pop(link)
            before.pop(link, None)
    return _shown(before) == _shown(after)


def _comparable(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "custom_fields": dict(record.get("custom_fields") or {})}


def _shown(record: object) -> object:
    if not isinstance(record, dict):
        return record
    return plain({name: one for name, one in record.items() if name not in _LEFT_OUT})


def records_in(there: Destination) -> int:
    """Live records of the entities that cross."""
    return sum(1 for entity in ENTITIES for _ in there.live(entity))
