"""What happens to records that are there: adopted, changed column by column, found gone.

An update keeps its record `confirmed`: its intent is an attempt without outcome, with one journal
row and one encrypted before-image per column, all committed before the call leaves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.ledger.records import in_chunks, open_attempt, set_state
from load.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One column of an update: what was there, what is sent. `before` is kept encrypted."""

    column_name: str
    before: Any
    hash_before: str
    hash_sent: str
    # whether the change log is to be read afterwards, see `load.guard`
    is_guarded: bool = False


@dataclass(frozen=True, slots=True)
class UpdateIntent:
    """A record of the target about to be changed, column by column."""

    source_key: str
    pipedrive_id: int
    payload_hash: str | None
    lines: Sequence[JournalLine] = ()
    # elements of lists that may be ours from now on, as `id_map.own_elements` has them
    own_elements: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoubtfulColumn:
    """One column of an update in doubt: either hash may be what stands there by our doing."""

    column_name: str
    hash_before: str
    hash_sent: str


def intend_updates(
    ledger: Ledger, entity: str, endpoint: str, intents: Sequence[UpdateIntent]
) -> dict[str, int]:
    """Commits before-images, journal and intent of these updates. Attempt ids by source key.

    Elements that the call adds to a list count as ours from here on: after a call of unknown
    outcome nobody could tell them from a person's.
    """
    attempt_ids = {}
    with ledger.transaction() as db:
        for intent in intents:
            key, target = intent.source_key, intent.pipedrive_id
            attempt = open_attempt(
                ledger, entity, key, "update", endpoint, intent.payload_hash, None, None
            )
            for line in intent.lines:
                column = line.column_name
                db.execute(
                    "insert into journal values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        attempt, entity, key, target, column, line.hash_before, line.hash_sent,
                        "due" if line.is_guarded else None,
                    ),
                )  # fmt: skip
                sealed = ledger.cipher.seal(
                    line.before, context=before_image_context(entity, target, column)
                )
                db.execute(
                    "insert into before_images values (?, ?, ?, ?, ?, ?)",
                    (attempt, entity, target, column, sealed, ledger.stamp()),
                )
            if intent.own_elements:
                own_elements(ledger, entity, key, intent.own_elements)
            attempt_ids[key] = attempt
    return attempt_ids


def own_elements(
    ledger: Ledger, entity: str, source_key: str, elements: Mapping[str, list[str]]
) -> None:
    """Which elements of a record's lists are ours, by column."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set own_elements = ? where entity = ? and source_key = ?",
            (json.dumps(elements, sort_keys=True), entity, source_key),
        )


def now_holds(
    ledger: Ledger, entity: str, source_key: str, target_hashes: Mapping[str, str]
) -> None:
    """What a record was seen to hold by our doing, by column."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set target_hashes = ? where entity = ? and source_key = ?",
            (json.dumps(target_hashes, sort_keys=True), entity, source_key),
        )


def before_image_context(entity: str, pipedrive_id: int, column: str) -> str:
    """What a before-image is bound to: moved to another record or column it does not open."""
    return f"{entity}/{pipedrive_id}/{column}"


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
    set_state(ledger, entity, source_key, "gone")


def adopt(  # noqa: PLR0917
    ledger: Ledger,
    entity: str,
    source_key: str,
    pipedrive_id: int,
    plan_digest: str,
    deal_id: int | None = None,
) -> None:
    """A record that was there before is ours to fill in: confirmed, with nothing written yet."""
    with ledger.transaction() as db:
        db.execute(
            "insert into id_map (entity, source_key, state, pipedrive_id, origin, plan_digest,"
            " run_id, deal_id, updated_at)"
            " values (?1, ?2, 'confirmed', ?3, 'adopted', ?4, ?5, ?6, ?7)"
            " on conflict do update set state = 'confirmed', pipedrive_id = ?3,"
            " origin = 'adopted', plan_digest = ?4, run_id = ?5, deal_id = ?6, updated_at = ?7",
            (entity, source_key, pipedrive_id, plan_digest, ledger.run_id, deal_id, ledger.stamp()),
        )
        ledger.event("adopted", {"entity": entity, "id": pipedrive_id})


def doubtful_updates(
    ledger: Ledger, entity: str, source_keys: Sequence[str]
) -> dict[str, list[DoubtfulColumn]]:
    """Per record with an update in doubt: every column it may have written, oldest first."""
    found: dict[str, list[DoubtfulColumn]] = {}
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            "select journal.source_key, column_name, hash_before, hash_sent from attempts"
            " join journal using (attempt_id) where attempts.outcome = 'ambiguous'"
            f" and attempts.entity = ? and attempts.source_key in ({marks}) order by attempt_id",
            (entity, *chunk),
        )
        for row in rows:
            found.setdefault(row["source_key"], []).append(
                DoubtfulColumn(row["column_name"], row["hash_before"], row["hash_sent"])
            )
    return found


def refused_updates(
    ledger: Ledger, entity: str, source_keys: Sequence[str], *, plan_digest: str
) -> set[str]:
    """Records whose last update was refused under this very plan: it would be refused again."""
    found: set[str] = set()
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            "select source_key, outcome, http_status, plan_digest, max(attempt_id) from attempts"
            f" join runs using (run_id) where verb = 'update' and entity = ? and source_key in"
            f" ({marks}) group by source_key",
            (entity, *chunk),
        )
        found |= {
            row["source_key"]
            for row in rows
            if row["outcome"] == "rejected"
            and row["http_status"] is not None
            and row["plan_digest"] == plan_digest
        }
    return found


def has_doubtful_updates(ledger: Ledger) -> bool:
    """Whether any update's outcome is unknown."""
    row = ledger.db.execute(
        "select 1 from attempts join id_map using (entity, source_key) where verb = 'update'"
        " and outcome = 'ambiguous' and state = 'confirmed' limit 1"
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
    """The deal's value was read; with a hash, that value is the one to expect there from now on."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set value_check = 'done', reason_code = ?, reason = ?, updated_at = ?,"
            " target_hashes = case when ? = '' then target_hashes"
            " else json_set(coalesce(target_hashes, '{}'), '$.value', ?) end"
            " where entity = 'deal' and source_key = ?",
            (code, reason, ledger.stamp(), value_hash, value_hash, source_key),
        )
