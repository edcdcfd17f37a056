"""What happens to a record, as the ledger remembers it: intent, outcome, doubt, end.

    planned -> intent -> confirmed | quarantined | ambiguous | planned (never sent)
    ambiguous -> confirmed (found) | planned (not there) | quarantined (deleted, or unresolved)

An intent means "may have been sent". It is committed before any byte leaves, for a small group
of records at once; each outcome is committed alone, as soon as it is known. An update keeps its
record `confirmed`: its intent is an attempt without outcome, with one journal row per column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from load.ledger.store import Ledger

ROUNDS_LIMIT: Final = 3
RECOVERIES_LIMIT: Final = 5
_CHUNK: Final = 500


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


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One column of an update: what was there, what is sent. `before` is kept encrypted."""

    column_name: str
    before: Any
    hash_before: str
    hash_sent: str


@dataclass(frozen=True, slots=True)
class UpdateIntent:
    """A record of the target about to be changed, column by column."""

    source_key: str
    pipedrive_id: int
    payload_hash: str | None
    lines: Sequence[JournalLine] = ()


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


def fetch(ledger: Ledger, source_keys: Iterable[str]) -> dict[str, Record]:
    """The records with these source keys, of whatever entity, by source key."""
    keys, found = list(source_keys), {}
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        for row in ledger.db.execute(f"select * from id_map where source_key in ({marks})", chunk):
            found[row["source_key"]] = _record(row)
    return found


def in_state(ledger: Ledger, entity: str, state: str) -> list[Record]:
    """All records of an entity in one state."""
    rows = ledger.db.execute(
        "select * from id_map where entity = ? and state = ? order by source_key", (entity, state)
    )
    return [_record(row) for row in rows]


def high_water(ledger: Ledger, entity: str) -> int:
    """The highest id that the ledger knows for an entity; later records have higher ones."""
    row = ledger.db.execute(
        "select coalesce(max(pipedrive_id), 0) from id_map where entity = ?", (entity,)
    ).fetchone()
    return int(row[0])


def parked_since(ledger: Ledger, entity: str, source_keys: Sequence[str]) -> int:
    """The id below which none of these parked records can be: their lowest high-water mark."""
    lowest: int | None = None
    for start in range(0, len(source_keys), _CHUNK):
        chunk = source_keys[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        row = ledger.db.execute(
            "select min(coalesce(id_high_water, 0)) from attempts where entity = ? and verb = 'create'"
            f" and outcome = 'ambiguous' and source_key in ({marks})",
            (entity, *chunk),
        ).fetchone()
        if row[0] is not None:
            lowest = row[0] if lowest is None else min(lowest, row[0])
    return lowest or 0


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
                " plan_digest, run_id, attempts, deal_id, updated_at)"
                " values (?, ?, 'intent', ?, ?, ?, ?, 1, ?, ?) on conflict do update set"
                " state = 'intent', payload_hash = excluded.payload_hash,"
                " field_hashes = excluded.field_hashes, plan_digest = excluded.plan_digest,"
                " run_id = excluded.run_id, attempts = attempts + 1, deal_id = excluded.deal_id,"
                " not_before = null, reason_code = null, reason = null,"
                " updated_at = excluded.updated_at",
                (
                    entity, intent.source_key, intent.payload_hash, hashes,
                    plan_digest, ledger.run_id, intent.deal_id, ledger.stamp(),
                ),
            )  # fmt: skip
            attempt_ids[intent.source_key] = _open_attempt(
                ledger,
                entity,
                intent.source_key,
                "create",
                endpoint,
                intent.payload_hash,
                mark,
                hashes,
            )
    return attempt_ids


def intend_updates(
    ledger: Ledger, entity: str, endpoint: str, intents: Sequence[UpdateIntent]
) -> dict[str, int]:
    """Commits before-images, journal and intent of these updates. Attempt ids by source key."""
    attempt_ids = {}
    with ledger.transaction() as db:
        for intent in intents:
            key, target = intent.source_key, intent.pipedrive_id
            attempt = _open_attempt(
                ledger, entity, key, "update", endpoint, intent.payload_hash, None, None
            )
            for line in intent.lines:
                column = line.column_name
                db.execute(
                    "insert into journal values (?, ?, ?, ?, ?, ?, ?)",
                    (attempt, entity, key, target, column, line.hash_before, line.hash_sent),
                )
                sealed = ledger.cipher.seal(
                    line.before, context=before_image_context(entity, target, column)
                )
                db.execute(
                    "insert into before_images values (?, ?, ?, ?, ?, ?)",
                    (attempt, entity, target, column, sealed, ledger.stamp()),
                )
            attempt_ids[key] = attempt
    return attempt_ids


def before_image_context(entity: str, pipedrive_id: int, column: str) -> str:
    """What a before-image is bound to: moved to another record or column it does not open."""
    return f"{entity}/{pipedrive_id}/{column}"


def confirm(
    ledger: Ledger, entity: str, source_key: str, written: Written, *, plan_digest: str
) -> None:
    """The record is there and holds what was written. A line makes its deal's value due."""
    with ledger.transaction() as db:
        kept = ", ".join(written.kept_columns)
        db.execute(
            "insert into id_map (entity, source_key, state, pipedrive_id, payload_hash, field_hashes,"
            " target_hashes, own_elements, origin, plan_digest, run_id, reason_code, reason, updated_at)"
            " values (?1, ?2, 'confirmed', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            " on conflict do update set state = 'confirmed', pipedrive_id = ?3, payload_hash = ?4,"
            " field_hashes = ?5, target_hashes = ?6, own_elements = ?7, origin = coalesce(origin, ?8),"
            " plan_digest = ?9, run_id = ?10, not_before = null, recoveries = 0, reason_code = ?11,"
            " reason = ?12, updated_at = ?13",
            (
                entity, source_key, written.pipedrive_id, written.payload_hash,
                json.dumps(written.field_hashes, sort_keys=True),
                json.dumps(written.target_hashes, sort_keys=True),
                json.dumps(written.own_elements, sort_keys=True),
                written.origin, plan_digest, ledger.run_id,
                "edited by others" if kept else None,
                f"kept as the target has it: {kept}" if kept else None, ledger.stamp(),
            ),
        )  # fmt: skip
        if entity == "deal_product":
            db.execute(
                "update id_map set value_check = 'due' where entity = 'deal' and pipedrive_id ="
                " (select deal_id from id_map where entity = ? and source_key = ?)",
                (entity, source_key),
            )


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


def settle_attempts(ledger: Ledger, entity: str, source_key: str, verb: str, outcome: str) -> None:
    """Ends all doubtful attempts of a record: they turned out applied, or not applied."""
    with ledger.transaction() as db:
        db.execute(
            "update attempts set outcome = ?, finished_at = ? where entity = ? and source_key = ?"
            " and verb = ? and coalesce(outcome, 'ambiguous') = 'ambiguous'",
            (outcome, ledger.stamp(), entity, source_key, verb),
        )


def times_not_applied(ledger: Ledger, entity: str, source_key: str) -> int:
    """How often a record was sent and then not found. Calls that never left do not count."""
    row = ledger.db.execute(
        "select count(*) from attempts where entity = ? and source_key = ? and verb = 'create'"
        " and outcome = 'not_applied'",
        (entity, source_key),
    ).fetchone()
    return int(row[0])


def park(ledger: Ledger, entity: str, source_key: str, *, settle_seconds: float) -> None:
    """The outcome is unknown; nobody may look before the settle time is over."""
    _set_state(
        ledger,
        entity,
        source_key,
        "ambiguous",
        not_before=ledger.stamp(plus_seconds=settle_seconds),
    )


def back_to_planned(ledger: Ledger, entity: str, source_key: str) -> None:
    """Surely not sent, or surely not there: may be sent (again)."""
    _set_state(ledger, entity, source_key, "planned")


def quarantine(ledger: Ledger, entity: str, source_key: str, code: str, reason: str) -> None:
    """This record does not load as it is. `reason` names columns and codes, no personal value."""
    with ledger.transaction() as db:
        db.execute(
            "insert into id_map (entity, source_key, state, run_id, reason_code, reason, updated_at)"
            " values (?1, ?2, 'quarantined', ?3, ?4, ?5, ?6) on conflict do update set"
            " state = 'quarantined', run_id = ?3, reason_code = ?4, reason = ?5, updated_at = ?6",
            (entity, source_key, ledger.run_id, code, reason, ledger.stamp()),
        )


def keep_with_reason(ledger: Ledger, entity: str, source_key: str, code: str, reason: str) -> None:
    """The record stays as it is in the target; why the plan's change did not go through."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set reason_code = ?, reason = ?, run_id = ?, updated_at = ?"
            " where entity = ? and source_key = ?",
            (code, reason, ledger.run_id, ledger.stamp(), entity, source_key),
        )


def mark_gone(ledger: Ledger, entity: str, source_key: str) -> None:
    """Somebody deleted, merged or archived the record; it is not made again."""
    keep_with_reason(ledger, entity, source_key, "gone", "not in the target's lists any more")
    _set_state(ledger, entity, source_key, "gone")


def adopt(
    ledger: Ledger, entity: str, source_key: str, pipedrive_id: int, *, plan_digest: str,
    deal_id: int | None = None,
) -> None:  # fmt: skip
    """A record that was there before is ours to fill in: confirmed, with nothing written yet."""
    with ledger.transaction() as db:
        db.execute(
            "insert into id_map (entity, source_key, state, pipedrive_id, origin, plan_digest,"
            " run_id, deal_id, updated_at) values (?1, ?2, 'confirmed', ?3, 'adopted', ?4, ?5, ?6, ?7)"
            " on conflict do update set state = 'confirmed', pipedrive_id = ?3, origin = 'adopted',"
            " plan_digest = ?4, run_id = ?5, deal_id = ?6, updated_at = ?7",
            (
                entity, source_key, pipedrive_id, plan_digest, ledger.run_id, deal_id,
                ledger.stamp(),
            ),
        )  # fmt: skip
        ledger.event("adopted", {"entity": entity, "id": pipedrive_id})


def has_doubtful_updates(ledger: Ledger) -> bool:
    """Whether any update's outcome is unknown."""
    row = ledger.db.execute(
        "select 1 from attempts where verb = 'update' and outcome = 'ambiguous' limit 1"
    ).fetchone()
    return row is not None


def value_checks_due(ledger: Ledger) -> dict[str, int]:
    """Deals whose lines were written and whose value nobody has read back since: key -> id."""
    rows = ledger.db.execute(
        "select source_key, pipedrive_id from id_map where entity = 'deal'"
        " and value_check = 'due' and state = 'confirmed'"
    )
    return {row["source_key"]: row["pipedrive_id"] for row in rows}


def value_checked(
    ledger: Ledger, source_key: str, code: str | None, reason: str | None, *, value_hash: str = ""
) -> None:
    """The deal's value was read; from now on that value is the one to expect there."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set value_check = 'done', reason_code = ?, reason = ?, updated_at = ?,"
            " target_hashes = case when ? = '' then target_hashes"
            " else json_set(coalesce(target_hashes, '{}'), '$.value', ?) end"
            " where entity = 'deal' and source_key = ?",
            (code, reason, ledger.stamp(), value_hash, value_hash, source_key),
        )


def note_extra(
    ledger: Ledger, entity: str, pipedrive_id: int, source_key: str, why: str, action: str
) -> None:
    """A record of the target that carries our key and should not be there."""
    with ledger.transaction() as db:
        db.execute(
            "insert into extras values (?1, ?2, ?3, ?4, ?5) on conflict do update"
            " set why = ?4, action = ?5",
            (entity, pipedrive_id, source_key, why, action),
        )


def recover(ledger: Ledger, *, settle_seconds: float) -> tuple[int, int]:
    """After a crash: every open intent becomes doubtful. Gives how many creates and updates."""
    not_before = ledger.stamp(plus_seconds=settle_seconds)
    with ledger.transaction() as db:
        db.execute(
            "update attempts set outcome = 'ambiguous' where outcome is null and verb = 'create'"
        )
        creates = db.execute(
            "update id_map set state = 'ambiguous', not_before = ?, recoveries = recoveries + 1,"
            " updated_at = ? where state = 'intent'",
            (not_before, ledger.stamp()),
        ).rowcount
        updates = db.execute(
            "update attempts set outcome = 'ambiguous' where outcome is null and verb = 'update'"
        ).rowcount
        db.execute(
            "update id_map set state = 'quarantined', reason_code = 'unresolved',"
            " reason = 'runs kept dying while this record was open' where state = 'ambiguous'"
            " and recoveries > ?",
            (RECOVERIES_LIMIT,),
        )
        if creates or updates:
            ledger.event("recovered", {"creates": creates, "updates": updates})
    return creates, updates


def doubtful_updates(
    ledger: Ledger, entity: str, source_keys: Sequence[str]
) -> dict[str, set[str]]:
    """Per record with an update in doubt: `column=hash` of every value that was there before."""
    found: dict[str, set[str]] = {}
    for start in range(0, len(source_keys), _CHUNK):
        chunk = source_keys[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        rows = ledger.db.execute(
            "select journal.source_key, column_name, hash_before from attempts"
            " join journal using (attempt_id) where attempts.outcome = 'ambiguous'"
            f" and attempts.entity = ? and attempts.source_key in ({marks})",
            (entity, *chunk),
        )
        for row in rows:
            found.setdefault(row["source_key"], set()).add(
                f"{row['column_name']}={row['hash_before']}"
            )
    return found


def _open_attempt(
    ledger: Ledger, entity: str, source_key: str, verb: str, endpoint: str,
    payload_hash: str | None, mark: int | None, field_hashes: str | None,
) -> int:  # fmt: skip
    cursor = ledger.db.execute(
        "insert into attempts (run_id, entity, source_key, verb, endpoint, payload_hash,"
        " field_hashes, id_high_water, intent_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ledger.run_id, entity, source_key, verb, endpoint, payload_hash,
            field_hashes, mark, ledger.stamp(),
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def _set_state(
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
