"""What the ledger knows of archiving: the intent, doubt, and that a record is archived now.

An archived record holds the hash of true in the column `is_archived` of its `target_hashes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from load.ledger import records
from load.ledger.records import in_chunks
from load.ledger.store import Ledger

REFUSED: Final = "not archived"


def intend(
    ledger: Ledger, entity: str, endpoint: str, source_keys: Sequence[str]
) -> dict[str, int]:
    """Commits the intent to archive these. Gives the attempt id by source key."""
    with ledger.transaction():
        return {
            key: records.open_attempt(ledger, entity, key, "update", endpoint, None, None, None)
            for key in source_keys
        }


def in_doubt(ledger: Ledger, entity: str, source_keys: Sequence[str]) -> set[str]:
    """Those with a call whose outcome nobody knows."""
    found: set[str] = set()
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(
            "select distinct source_key from attempts where entity = ? and verb = 'update' and"
            f" coalesce(outcome, 'ambiguous') = 'ambiguous' and source_key in ({marks})",
            (entity, *chunk),
        )
        found |= {row["source_key"] for row in rows}
    return found


def archived(ledger: Ledger, entity: str, source_key: str, hash_of_true: str) -> None:
    """The record is archived: from now on nothing of it can be edited."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set target_hashes = json_set(coalesce(target_hashes, '{}'),"
            " '$.is_archived', ?), reason_code = 'archived', reason = null, updated_at = ?"
            " where entity = ? and source_key = ?",
            (hash_of_true, ledger.stamp(), entity, source_key),
        )


def refused(ledger: Ledger, entity: str, source_key: str, reason: str) -> None:
    """The target does not archive it; it stays as it is."""
    with ledger.transaction() as db:
        db.execute(
            "update id_map set reason_code = ?, reason = ?, updated_at = ?"
            " where entity = ? and source_key = ?",
            (REFUSED, reason, ledger.stamp(), entity, source_key),
        )
