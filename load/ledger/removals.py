"""What an undo does to a record, as the ledger remembers it.

    confirmed -> removing -> removed            a record of ours, deleted
                          -> confirmed          kept after all, with the reason
    confirmed -> confirmed                      columns put back; they count as never written

`removing` means "a DELETE may have been sent". It is committed before the call leaves; a record in
that state is read before it is deleted again, and found missing it is `removed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from load.ledger import doubts
from load.ledger.changes import before_image_context
from load.ledger.records import Record, fetch, in_chunks, open_attempt, set_state
from load.ledger.store import Ledger

# an update that may have been applied
_WRITTEN: Final = "coalesce(attempts.outcome, 'ambiguous') in ('ok', 'applied', 'ambiguous')"


@dataclass(frozen=True, slots=True)
class WrittenColumn:
    """One column of one update of ours. `is_undo`: an undo wrote it, so what is older is done."""

    attempt_id: int
    column_name: str
    hash_before: str
    hash_sent: str
    run_id: str
    plan_digest: str | None
    is_undo: bool


def by_target_ids(ledger: Ledger, entity: str, ids: Sequence[int]) -> dict[int, Record]:
    """The records that the ledger has under these ids of the target."""
    found: dict[int, Record] = {}
    for chunk, marks in in_chunks(ids):
        keys = ledger.db.execute(
            f"select source_key from id_map where entity = ? and pipedrive_id in ({marks})"
            " and state in ('confirmed', 'removing')",
            (entity, *chunk),
        ).fetchall()
        known = fetch(ledger, [row[0] for row in keys])
        found |= {one.pipedrive_id: one for one in known.values() if one.pipedrive_id is not None}
    return found


def made_by(
    ledger: Ledger, entity: str, source_keys: Sequence[str]
) -> dict[str, tuple[str, str | None]]:
    """Run and plan of the call that made each record."""
    found: dict[str, tuple[str, str | None]] = {}
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            "select source_key, run_id, plan_digest from attempts join runs using (run_id)"
            f" where entity = ? and verb = 'create' and source_key in ({marks})"
            " order by attempt_id",
            (entity, *chunk),
        )
        found |= {row["source_key"]: (row["run_id"], row["plan_digest"]) for row in rows}
    return found


def written_columns(
    ledger: Ledger, entity: str, source_keys: Sequence[str]
) -> dict[str, list[WrittenColumn]]:
    """What our updates wrote into these records, oldest first."""
    found: dict[str, list[WrittenColumn]] = {}
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            "select journal.source_key, attempt_id, column_name, hash_before, hash_sent,"
            " runs.run_id, runs.plan_digest, runs.kind, attempts.outcome from journal"
            " join attempts using (attempt_id) join runs on runs.run_id = attempts.run_id"
            f" where {_WRITTEN} and journal.entity = ? and journal.source_key in ({marks})"
            " order by attempt_id",
            (entity, *chunk),
        )
        for row in rows:
            is_undo = row["kind"] == "undo"
            if is_undo and row["outcome"] not in ("ok", "applied"):
                continue
            found.setdefault(row["source_key"], []).append(
                WrittenColumn(
                    row["attempt_id"], row["column_name"], row["hash_before"], row["hash_sent"],
                    row["run_id"], row["plan_digest"], is_undo,
                )
            )  # fmt: skip
    return found


def before_image(ledger: Ledger, entity: str, pipedrive_id: int, one: WrittenColumn) -> Any:
    """What the column held before that update."""
    row = ledger.db.execute(
        "select value_encrypted from before_images where attempt_id = ? and column_name = ?",
        (one.attempt_id, one.column_name),
    ).fetchone()
    context = before_image_context(entity, pipedrive_id, one.column_name)
    return ledger.cipher.unseal(row[0], context=context)


def intend_removals(
    ledger: Ledger, entity: str, endpoint: str, source_keys: Iterable[str]
) -> dict[str, int]:
    """Commits the intent to delete these records. Attempt ids by source key."""
    attempts = {}
    with ledger.transaction():
        for key in source_keys:
            set_state(ledger, entity, key, "removing")
            attempts[key] = open_attempt(ledger, entity, key, "remove", endpoint, None, None, None)
    return attempts


def removed(ledger: Ledger, entity: str, source_key: str, why: str) -> None:
    """The record is not in the target any more, by our doing. A later plan may make it again."""
    with ledger.transaction():
        _say(ledger, entity, source_key, "removed", "undone", why)
        doubts.settle_attempts(ledger, entity, source_key, "remove", "applied")


def kept(ledger: Ledger, entity: str, source_key: str, why: str) -> None:
    """The record stays, and is known as before."""
    with ledger.transaction():
        _say(ledger, entity, source_key, "confirmed", "kept by undo", why)
        doubts.settle_attempts(ledger, entity, source_key, "remove", "not_applied")


def lines_went_with(ledger: Ledger, deal_id: int) -> None:
    """A deal was deleted, and its lines with it."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set state = 'removed', reason_code = 'undone', reason = 'with its deal',"
            " run_id = ?, updated_at = ? where entity = 'deal_product' and deal_id = ?"
            " and state in ('confirmed', 'removing')",
            (ledger.run_id, ledger.stamp(), deal_id),
        )


def restored(
    ledger: Ledger, entity: str, source_key: str, hashes: Mapping[str, str | None]
) -> None:
    """These columns are not ours any more; a hash says what a record made by us holds there now."""
    record = fetch(ledger, [source_key])[source_key]
    targets = {name: item for name, item in record.target_hashes.items() if name not in hashes}
    targets |= {name: item for name, item in hashes.items() if item is not None}
    fields = {name: item for name, item in record.field_hashes.items() if name not in hashes}
    own = {name: item for name, item in record.own_elements.items() if name not in hashes}
    with ledger.transaction() as db:
        db.execute(
            "update id_map set payload_hash = null, field_hashes = ?, target_hashes = ?,"
            " own_elements = ?, reason_code = 'undone', reason = ?, run_id = ?, updated_at = ?"
            " where entity = ? and source_key = ?",
            (
                json.dumps(fields, sort_keys=True), json.dumps(targets, sort_keys=True),
                json.dumps(own, sort_keys=True), f"put back: {', '.join(sorted(hashes))}",
                ledger.run_id, ledger.stamp(), entity, source_key,
            ),
        )  # fmt: skip
        doubts.settle_attempts(ledger, entity, source_key, "update", "applied")


def value_is_due(ledger: Ledger, deal_id: int) -> None:
    """A line of this deal went alone: the deal's value is not what we read last."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set value_check = 'due' where entity = 'deal' and pipedrive_id = ?",
            (deal_id,),
        )


def removing(ledger: Ledger) -> int:
    """How many records an unfinished undo has left between two states."""
    row = ledger.db.execute("select count(*) from id_map where state = 'removing'").fetchone()
    return int(row[0])


def removed_since(ledger: Ledger, entity: str, source_key: str, moment: str) -> bool:
    """Whether a record was removed after that time (RFC 3339)."""
    row = ledger.db.execute(
        "select 1 from id_map where entity = ? and source_key = ? and state = 'removed'"
        " and julianday(updated_at) > julianday(?)",
        (entity, source_key, moment),
    ).fetchone()
    return row is not None


def _say(  # noqa: PLR0917
    ledger: Ledger, entity: str, source_key: str, state: str, code: str, why: str
) -> None:
    with ledger.transaction() as db:
        db.execute(
            "update id_map set state = ?, reason_code = ?, reason = ?, not_before = null,"
            " run_id = ?, updated_at = ? where entity = ? and source_key = ?",
            (state, code, why, ledger.run_id, ledger.stamp(), entity, source_key),
        )
