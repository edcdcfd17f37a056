"""What happens to a record that is new to the target, as the ledger remembers it.

    planned -> intent -> confirmed | quarantined | ambiguous | planned (never sent)

An intent means "may have been sent". It is committed before any byte leaves, for a small group
of records at once; each outcome is committed alone, as soon as it is known. What becomes of
ambiguous records is in `doubts`, what happens to records that are there in `changes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from load.ledger.store import Ledger

_CHUNK: Final = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the id map. `target_hashes` are of values as the target gives them."""

    entity: str
    source_key: str
    state: str
    pipedrive_id: int | None
    payload_hash: str | None
    field_hashes: Mapping[str, str]
    target_hashes: Mapping[str, str]
    own_elements: Mapping[str, list[str]]
    origin: str | None
    attempts: int
    not_before: str | None
    deal_id: int | None
    reason_code: str | None
    value_check: str | None


@dataclass(frozen=True, slots=True)
class CreateIntent:
    """A record about to be sent for the first time, or again after it was found missing."""

    source_key: str
    payload_hash: str | None
    field_hashes: Mapping[str, str]
    deal_id: int | None = None
    # what the target will hold if it lands, whenever that is; and which elements of lists are ours
    sent_hashes: Mapping[str, str] = field(default_factory=dict)
    own_elements: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What a record is known to hold after a call that succeeded."""

    pipedrive_id: int
    payload_hash: str | None
    field_hashes: Mapping[str, str]
    target_hashes: Mapping[str, str]
    own_elements: Mapping[str, list[str]] = field(default_factory=dict)
    origin: str = "created"
    kept_columns: Sequence[str] = ()
    # code and reason of a column that could not be written
    left_out: tuple[str, str] | None = None


def in_chunks(values: Sequence[T]) -> Iterator[tuple[Sequence[T], str]]:
    """As many values as one statement of SQLite takes, each time with their question marks."""
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        yield chunk, ",".join("?" * len(chunk))


def fetch(ledger: Ledger, source_keys: Iterable[str]) -> dict[str, Record]:
    """The records with these source keys, of whatever entity, by source key."""
    keys, found = list(source_keys), {}
    for chunk, marks in in_chunks(keys):
        for row in ledger.db.execute(f"select * from id_map where source_key in ({marks})", chunk):
            found[row["source_key"]] = _record(row)
    return found


def has_confirmed(ledger: Ledger, entity: str) -> bool:
    """Whether any record of an entity is known to be there."""
    found = ledger.db.execute(
        "select 1 from id_map where entity = ? and state = 'confirmed' limit 1", (entity,)
    )
    return found.fetchone() is not None


def confirmed_hashes(ledger: Ledger, source_keys: Sequence[str]) -> dict[str, str | None]:
    """The payload hash that each confirmed one of these records was written with."""
    found: dict[str, str | None] = {}
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            # the plus keeps SQLite from walking through all that is confirmed, for each chunk
            f"select source_key, payload_hash from id_map where source_key in ({marks})"
            " and +state = 'confirmed'",
            chunk,
        )
        found.update(tuple(row) for row in rows)
    return found


def high_water(ledger: Ledger, entity: str) -> int:
    """The highest id that the ledger knows for an entity; later records have higher ones."""
    row = ledger.db.execute(
        "select coalesce(max(pipedrive_id), 0) from id_map where entity = ?", (entity,)
    ).fetchone()
    return int(row[0])


def in_state(ledger: Ledger, entity: str, state: str) -> list[Record]:
    """All records of an entity in one state."""
    rows = ledger.db.execute(
        "select * from id_map where entity = ? and state = ? order by source_key", (entity, state)
    )
    return [_record(row) for row in rows]


def intend_creates(
    ledger: Ledger, entity: str, endpoint: str, intents: Sequence[CreateIntent], *, plan_digest: str
) -> dict[str, int]:
    """Commits the intent to create these records. Gives the attempt id by source key."""
    mark, attempt_ids = high_water(ledger, entity), {}
    with ledger.transaction() as db:
        for intent in intents:
            hashes = json.dumps(intent.field_hashes, sort_keys=True)
            db.execute(
                "insert into id_map (entity, source_key, state, payload_hash, field_hashes,"
                " plan_digest, run_id, attempts, deal_id, own_elements, updated_at)"
                " values (?, ?, 'intent', ?, ?, ?, ?, 1, ?, ?, ?) on conflict do update set"
                " state = 'intent', payload_hash = excluded.payload_hash,"
                " field_hashes = excluded.field_hashes, plan_digest = excluded.plan_digest,"
                " run_id = excluded.run_id, attempts = attempts + 1, deal_id = excluded.deal_id,"
                " not_before = null, reason_code = null, reason = null, pipedrive_id = null,"
                " target_hashes = null, own_elements = excluded.own_elements,"
                " updated_at = excluded.updated_at",
                (
                    entity, intent.source_key, intent.payload_hash, hashes,
                    plan_digest, ledger.run_id, intent.deal_id,
                    json.dumps(intent.own_elements, sort_keys=True), ledger.stamp(),
                ),
            )  # fmt: skip
            attempt_ids[intent.source_key] = open_attempt(
                ledger,
                entity,
                intent.source_key,
                "create",
                endpoint,
                intent.payload_hash,
                mark,
                json.dumps(intent.sent_hashes, sort_keys=True),
            )
    return attempt_ids


def confirm(
    ledger: Ledger, entity: str, source_key: str, written: Written, *, plan_digest: str
) -> None:
    """The record is there and holds what was written. A line makes its deal's value due."""
    with ledger.transaction() as db:
        code, reason = _left_open(written)
        db.execute(
            "insert into id_map (entity, source_key, state, pipedrive_id, payload_hash,"
            " field_hashes, target_hashes, own_elements, origin, plan_digest, run_id, reason_code,"
            " reason, updated_at)"
            " values (?1, ?2, 'confirmed', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            " on conflict do update set state = 'confirmed', pipedrive_id = ?3, payload_hash = ?4,"
            " field_hashes = ?5, target_hashes = ?6, own_elements = ?7,"
            " origin = coalesce(origin, ?8), plan_digest = ?9, run_id = ?10, not_before = null,"
            " recoveries = 0, reason_code = ?11, reason = ?12, updated_at = ?13",
            (
                entity, source_key, written.pipedrive_id, written.payload_hash,
                json.dumps(written.field_hashes, sort_keys=True),
                json.dumps(written.target_hashes, sort_keys=True),
                json.dumps(written.own_elements, sort_keys=True),
                written.origin, plan_digest, ledger.run_id, code, reason, ledger.stamp(),
            ),
        )  # fmt: skip
        if entity == "deal_product":
            db.execute(
                "update id_map set value_check = 'due' where entity = 'deal' and pipedrive_id ="
                " (select deal_id from id_map where entity = ? and source_key = ?)",
                (entity, source_key),
            )


def _left_open(written: Written) -> tuple[str | None, str | None]:
    """Code and reason of what a human may want to look at."""
    kept = f"kept as the target has it: {', '.join(written.kept_columns)}"
    if written.left_out:
        code, reason = written.left_out
        return code, f"{reason}; {kept}" if written.kept_columns else reason
    return ("edited by others", kept) if written.kept_columns else (None, None)


def finish_attempt(
    ledger: Ledger,
    attempt_id: int,
    outcome: str,
    *,
    http_status: int | None = None,
    pipedrive_id: int | None = None,
    tokens: int | None = None,
) -> None:
    """Writes down how a call ended."""
    with ledger.transaction() as db:
        db.execute(
            "update attempts set outcome = ?, http_status = ?, pipedrive_id = ?, tokens = ?,"
            " finished_at = ? where attempt_id = ?",
            (outcome, http_status, pipedrive_id, tokens, ledger.stamp(), attempt_id),
        )


def park(ledger: Ledger, entity: str, source_key: str, *, settle_seconds: float) -> None:
    """The outcome is unknown; nobody may look before the settle time is over, which a run waits for
    by a clock that nobody sets: `not_before` is for people to read."""
    set_state(
        ledger,
        entity,
        source_key,
        "ambiguous",
        not_before=ledger.stamp(plus_seconds=settle_seconds),
    )


def back_to_planned(ledger: Ledger, entity: str, source_key: str) -> None:
    """Surely not sent, or surely not there: may be sent (again)."""
    set_state(ledger, entity, source_key, "planned")


def quarantine(ledger: Ledger, entity: str, source_key: str, code: str, reason: str) -> None:
    """This record does not load as it is. `reason` names columns and codes, no personal value.

    What its parent or a missing option keeps out was not refused itself: its hash is forgotten,
    so that the next plan wants it again.
    """
    with ledger.transaction() as db:
        db.execute(
            "insert into id_map (entity, source_key, state, run_id, reason_code, reason,"
            " updated_at) values (?1, ?2, 'quarantined', ?3, ?4, ?5, ?6) on conflict do update set"
            " state = 'quarantined', run_id = ?3, reason_code = ?4, reason = ?5, updated_at = ?6,"
            " payload_hash = case when ?4 in ('parent', 'mapping') then null else payload_hash end",
            (entity, source_key, ledger.run_id, code, reason, ledger.stamp()),
        )


def set_deal(ledger: Ledger, entity: str, source_key: str, deal_id: int) -> None:
    """The deal that a line or a note hangs on."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set deal_id = ? where entity = ? and source_key = ?",
            (deal_id, entity, source_key),
        )


def note_extra(  # noqa: PLR0917
    ledger: Ledger, entity: str, pipedrive_id: int, source_key: str, why: str, action: str
) -> None:
    """A record of the target that carries our key and should not be there."""
    with ledger.transaction() as db:
        db.execute(
            "insert into extras values (?1, ?2, ?3, ?4, ?5) on conflict do update"
            " set why = ?4, action = ?5",
            (entity, pipedrive_id, source_key, why, action),
        )


def extras_of(ledger: Ledger, entity: str) -> frozenset[int]:
    """Ids of the records that `note_extra` wrote down."""
    found = ledger.db.execute("select pipedrive_id from extras where entity = ?", (entity,))
    return frozenset(int(one) for (one,) in found)


def open_attempt(  # noqa: PLR0917
    ledger: Ledger, entity: str, source_key: str, verb: str, endpoint: str,
    payload_hash: str | None, mark: int | None, sent_hashes: str | None,
) -> int:  # fmt: skip
    cursor = ledger.db.execute(
        "insert into attempts (run_id, entity, source_key, verb, endpoint, payload_hash,"
        " sent_hashes, id_high_water, intent_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ledger.run_id, entity, source_key, verb, endpoint, payload_hash,
            sent_hashes, mark, ledger.stamp(),
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def set_state(
    ledger: Ledger, entity: str, source_key: str, state: str, *, not_before: str | None = None
) -> None:
    with ledger.transaction() as db:
        db.execute(
            "update id_map set state = ?, not_before = ?, run_id = ?, updated_at = ?"
            " where entity = ? and source_key = ?",
            (state, not_before, ledger.run_id, ledger.stamp(), entity, source_key),
        )


def _record(row: Any) -> Record:
    return Record(
        entity=row["entity"],
        source_key=row["source_key"],
        state=row["state"],
        pipedrive_id=row["pipedrive_id"],
        payload_hash=row["payload_hash"],
        field_hashes=json.loads(row["field_hashes"] or "{}"),
        target_hashes=json.loads(row["target_hashes"] or "{}"),
        own_elements=json.loads(row["own_elements"] or "{}"),
        origin=row["origin"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        deal_id=row["deal_id"],
        reason_code=row["reason_code"],
        value_check=row["value_check"],
    )
