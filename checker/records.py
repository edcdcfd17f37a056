"""Invariants of the end state: I1, I2, I3, I4, I6, I8. Each is one function over the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from checker.destination import PARENTS, Held
from checker.evidence import Evidence
from checker.ledger import Known, kept_columns
from checker.plan import ENTITIES, Wanted
from checker.values import NOTHING, agrees, held_value, is_default, wanted_value
from checker.violation import Violation

TERMINAL: Final = frozenset({"confirmed", "quarantined", "gone", "removed"})
NEEDS_REASON: Final = frozenset({"quarantined", "gone"})
PLANNED_AWAY: Final = frozenset({"skip", "conflict", "waiting", "quarantine"})
KEY_COLUMN: Final = "migration_key__c"


def one_live_record_per_key(evidence: Evidence) -> Iterator[Violation]:
    """I1: a key stands on one live record, or the others are listed as extras."""
    there, extras = evidence.destination, evidence.ledger.extras
    seen: dict[tuple[str, str], list[int]] = {}
    for entity in ENTITIES:
        for held in there.live(entity):
            key = there.key_of(held)
            if key is not None and (entity, held.id) not in extras:
                seen.setdefault((entity, key), []).append(held.id)
    for (entity, key), ids in seen.items():
        if len(ids) > 1:
            yield Violation("I1", entity, key, f"stands on {len(ids)} live records: {ids}")


def no_field_stands_twice(evidence: Evidence) -> Iterator[Violation]:
    """I1: no custom field of the plan was made twice."""
    ours = {(entity, name) for (entity, _), name in evidence.plan.names.items()}
    for entity, name in evidence.destination.doubled_fields:
        if (entity, name) in ours:
            yield Violation("I1", "field", f"{entity} {name}", "the account has it twice")


def states_are_final(evidence: Evidence) -> Iterator[Violation]:
    """I2: every planned row ended, with a reason where it did not load; nothing of the source
    is missing from the plan."""
    for key, row in evidence.plan.rows.items():
        known = evidence.ledger.known.get(key)
        if row.action in PLANNED_AWAY:
            if row.action in ("conflict", "quarantine", "waiting") and not row.reason:
                yield Violation("I2", row.entity, key, f"planned as {row.action} without a reason")
        elif known is None:
            yield Violation("I2", row.entity, key, "planned and not in the ledger")
    for known in evidence.ledger.known.values():
        if known.state not in TERMINAL:
            yield Violation("I2", known.entity, known.source_key, f"is still {known.state}")
        elif known.state in NEEDS_REASON and not known.reason:
            yield Violation("I2", known.entity, known.source_key, f"{known.state}, no reason")
    for key in sorted((evidence.source_keys or frozenset()) - evidence.plan.rows.keys()):
        yield Violation("I2", "source", key, "is in the source and not in the plan")


def open_attempts_are_settled(evidence: Evidence) -> Iterator[Violation]:
    """I2: no call is left whose outcome nobody looked for."""
    for attempt in evidence.ledger.attempts:
        known = evidence.ledger.known.get(attempt["source_key"])
        is_open = attempt["outcome"] in (None, "ambiguous")
        if is_open and known is not None and known.state not in ("gone", "removed", "quarantined"):
            what = f"attempt {attempt['attempt_id']} ({attempt['verb']}) was never settled"
            yield Violation("I2", attempt["entity"], attempt["source_key"], what)


def confirmed_records_exist(evidence: Evidence) -> Iterator[Violation]:
    """I3: a confirmed id is there and carries the key, or others took one of both away."""
    there = evidence.destination
    for known in evidence.ledger.known.values():
        if known.state != "confirmed":
            continue
        held = there.held(known.entity, known.id)
        if held is None:
            if not _line_of_deleted_deal(evidence, known):
                yield Violation("I3", known.entity, known.source_key, f"no record of id {known.id}")
        elif held.deleted:
            if not _explained(evidence, known.entity, held.id, "is_deleted"):
                yield Violation("I3", known.entity, known.source_key, "was deleted, not by others")
        elif _lost_its_key(evidence, known, held):
            yield Violation("I3", known.entity, known.source_key, "does not carry its key")


def parents_are_right(evidence: Evidence) -> Iterator[Violation]:
    """I4: a record hangs on the parents that the plan names, unless others moved it. Where such a
    parent is not loaded, a record that was there keeps its link, and the ledger names it."""
    for row, known, held in _confirmed(evidence):
        for column, parent_key in row.payload.items():
            if not column.endswith("__source_key") or not parent_key:
                continue
            parent = evidence.ledger.known.get(parent_key)
            name = column.removesuffix("__source_key") + "_id"
            if parent is None or parent.id is None:
                if _keeps_its_link(evidence, known, column, name):
                    continue
                yield Violation("I4", row.entity, row.source_key, f"{column}: parent not loaded")
            elif held.record.get(name) != parent.id and not _moved(evidence, known, held, name):
                yield Violation("I4", row.entity, row.source_key, f"{column}: another parent")


def nothing_hangs_on_what_we_removed(evidence: Evidence) -> Iterator[Violation]:
    """I4: no live record points at a record that we took away."""
    removed = {
        (extra.entity, extra.id)
        for extra in evidence.ledger.extras.values()
        if extra.action == "removed"
    } | {
        (known.entity, known.id)
        for known in evidence.ledger.known.values()
        if known.state == "removed" and known.id is not None
    }
    for entity in ENTITIES:
        for held in evidence.destination.live(entity):
            for name, parent in PARENTS.items():
                if (parent, held.record.get(name)) in removed:
                    what = f"hangs on {parent} {held.record[name]}, which we removed"
                    yield Violation("I4", entity, f"id {held.id}", what)


def values_are_as_planned(evidence: Evidence) -> Iterator[Violation]:
    """I6: a record holds what the plan wants, but for explained conflicts. After an undo see I7."""
    if evidence.is_undone:
        return
    for row, known, held in _confirmed(evidence):
        if known.payload_hash != row.new_hash:
            if not known.reason:
                yield Violation("I6", row.entity, row.source_key, "the plan was never applied")
            continue
        kept = kept_columns(known)
        for column, planned in row.payload.items():
            if column.endswith("__source_key") or column in kept:
                continue
            if not _holds(evidence, row, known, held, column, planned):
                yield Violation("I6", row.entity, row.source_key, f"{column} is not as planned")


def _holds(  # noqa: PLR0917
    evidence: Evidence, row: Wanted, known: Known, held: Held, column: str, planned: object
) -> bool:
    plan, there = evidence.plan, evidence.destination
    policy = plan.policies.get((row.entity, column), "source_wins")
    wanted = wanted_value(row.entity, column, planned, plan, there, evidence.ledger)
    now = held_value(row.entity, column, held.record, plan, there)
    if agrees(column, wanted, now, as_subset=policy == "merge_set"):
        return True
    if wanted is not NOTHING and known.origin == "adopted":
        return True
    if wanted is None and known.origin == "created" and is_default(column, now):
        return True
    if policy == "set_once" and known.origin == "created" and column != KEY_COLUMN:
        return _planned_differently_before(evidence, known)
    return _explained(evidence, row.entity, held.id, column)


def nothing_of_ours_is_unknown(evidence: Evidence) -> Iterator[Violation]:
    """I8: a live record with a key of ours is in the ledger under its id, or an extra."""
    there, ledger = evidence.destination, evidence.ledger
    for entity in ENTITIES:
        for held in there.live(entity):
            key = there.key_of(held)
            if key is None or (entity, held.id) in ledger.extras:
                continue
            known = ledger.known.get(key)
            if known is None:
                yield Violation("I8", entity, key, f"id {held.id} is not in the ledger")
            elif known.id != held.id and not _swallowed(evidence, known, held):
                what = f"id {held.id} is there, the ledger has {known.id} ({known.state})"
                yield Violation("I8", entity, key, what)
    for change in evidence.changes or ():
        if change.by != "us" or change.before is not None or change.entity not in ENTITIES:
            continue
        place = (change.entity, change.id)
        if there.is_live(*place) and place not in ledger.extras and not _in_map(evidence, *place):
            yield Violation("I8", change.entity, f"id {change.id}", "made by us, nowhere noted")


def ids_are_given_once(evidence: Evidence) -> Iterator[Violation]:
    """I8: no two keys claim one record."""
    claims = Counter(
        (known.entity, known.id)
        for known in evidence.ledger.known.values()
        if known.state == "confirmed" and known.id is not None
    )
    for (entity, record_id), times in claims.items():
        if times > 1:
            yield Violation("I8", entity, f"id {record_id}", f"is claimed by {times} source keys")


def _confirmed(evidence: Evidence) -> Iterator[tuple[Wanted, Known, Held]]:
    """Planned rows that the ledger has as confirmed and the destination as live."""
    for key, row in evidence.plan.rows.items():
        known = evidence.ledger.known.get(key)
        if known is None or known.state != "confirmed" or row.action in PLANNED_AWAY:
            continue
        held = evidence.destination.held(row.entity, known.id)
        if held is not None and evidence.destination.is_live(row.entity, held.id):
            yield row, known, held


def _explained(evidence: Evidence, entity: str, record_id: int, column: str) -> bool:
    """Whether others made this difference. Without a history, a deletion may be anybody's."""
    if evidence.changes is None:
        return column == "is_deleted"
    return any(
        change.by == "others" and _value_changed(evidence, change.entity, column, change)
        for change in evidence.changes
        if change.entity == entity and change.id == record_id
    )


def _value_changed(evidence: Evidence, entity: str, column: str, change: object) -> bool:
    before, after = getattr(change, "before", None), getattr(change, "after", None)
    if before is None or after is None:
        return True
    plan, there = evidence.plan, evidence.destination
    if column == "is_deleted":
        name = "active_flag" if entity in ("note", "file") else "is_deleted"
        return bool(before.get(name) != after.get(name))
    return bool(
        held_value(entity, column, before, plan, there)
        != held_value(entity, column, after, plan, there)
    )


def _lost_its_key(evidence: Evidence, known: Known, held: Held) -> bool:
    if known.entity not in ENTITIES or known.origin == "adopted":
        return False
    carried = evidence.destination.key_of(held)
    return carried != known.source_key and not _touched(evidence, known.entity, held.id)


def _touched(evidence: Evidence, entity: str, record_id: int) -> bool:
    return any(
        change.by == "others" and change.entity == entity and change.id == record_id
        for change in evidence.changes or ()
    )


def _moved(evidence: Evidence, known: Known, held: Held, name: str) -> bool:
    """Whether others gave a record another parent, by hand or by a merge."""
    if known.origin == "adopted" or _explained(evidence, known.entity, held.id, name):
        return True
    return f"{name.removesuffix('_id')}__source_key" in kept_columns(known)


def _keeps_its_link(evidence: Evidence, known: Known, column: str, name: str) -> bool:
    """Whether a link is named as waiting for its parent, and no update of ours gave another."""
    is_named = known.reason_code == "parent" and column in (known.reason or "")
    return is_named and not any(
        change.by == "us" and change.before.get(name) != (change.after or {}).get(name)
        for change in evidence.changes or ()
        if (change.entity, change.id) == (known.entity, known.id) and change.before is not None
    )


def _swallowed(evidence: Evidence, known: Known, held: Held) -> bool:
    """A merge puts one record's key on another one, or a person copied it."""
    return known.state == "gone" or _touched(evidence, held.entity, held.id)


def _line_of_deleted_deal(evidence: Evidence, known: Known) -> bool:
    return known.entity == "deal_product" and evidence.changes is not None


def _planned_differently_before(evidence: Evidence, known: Known) -> bool:
    """An update leaves a set_once column as the first plan made it."""
    return any(
        attempt["verb"] == "update" or attempt["payload_hash"] != known.payload_hash
        for attempt in evidence.ledger.attempts
        if attempt["source_key"] == known.source_key
    )


def _in_map(evidence: Evidence, entity: str, record_id: int) -> bool:
    return any(
        known.entity == entity and known.id == record_id for known in evidence.ledger.known.values()
    )
