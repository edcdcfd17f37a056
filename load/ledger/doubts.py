"""Doubt: which calls may have been applied without our knowing, and how far back to look.

ambiguous -> confirmed (found) | planned (not there) | quarantined (deleted, or unresolved)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from load.ledger.records import in_chunks
from load.ledger.store import Ledger

ROUNDS_LIMIT: Final = 3
RECOVERIES_LIMIT: Final = 5
# whose outcome was unknown at some time, or that a limit refused: the closing sweep looks there
_DOUBT: Final = (
    "verb = 'create' and (coalesce(outcome, 'ambiguous') in ('ambiguous', 'applied', 'not_applied')"
    " or (outcome = 'rejected' and http_status is null))"
)


def parked_since(ledger: Ledger, entity: str, source_keys: Sequence[str]) -> int:
    """The id below which none of these parked records can be: their lowest high-water mark."""
    lowest: int | None = None
    for chunk, marks in in_chunks(source_keys):
        row = ledger.db.execute(
            "select min(coalesce(id_high_water, 0)) from attempts where entity = ?"
            f" and verb = 'create' and outcome = 'ambiguous' and source_key in ({marks})",
            (entity, *chunk),
        ).fetchone()
        if row[0] is not None:
            lowest = row[0] if lowest is None else min(lowest, row[0])
    return lowest or 0


def settle_attempts(ledger: Ledger, entity: str, source_key: str, verb: str, outcome: str) -> None:
    """Ends all doubtful attempts of a record: they turned out applied, or not applied."""
    with ledger.transaction() as db:
        db.execute(
            "update attempts set outcome = ?, finished_at = ? where entity = ? and source_key = ?"
            " and verb = ? and coalesce(outcome, 'ambiguous') = 'ambiguous'",
            (outcome, ledger.stamp(), entity, source_key, verb),
        )


def sent_by_creates(ledger: Ledger, entity: str, source_key: str) -> list[dict[str, str]]:
    """What each create of a record sent, by column, newest last: any of them may land late."""
    rows = ledger.db.execute(
        "select sent_hashes from attempts where entity = ? and source_key = ?"
        " and verb = 'create' and sent_hashes is not null"
        " group by sent_hashes order by max(attempt_id)",
        (entity, source_key),
    )
    return [json.loads(row[0]) for row in rows]


def times_not_applied(ledger: Ledger, entity: str, source_key: str) -> int:
    """How often a record was sent and then not found. Calls that never left do not count."""
    row = ledger.db.execute(
        "select count(*) from attempts where entity = ? and source_key = ? and verb = 'create'"
        " and outcome = 'not_applied'",
        (entity, source_key),
    ).fetchone()
    return int(row[0])


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


def lowest_doubt(ledger: Ledger, entity: str) -> int | None:
    """The id below which no call of unknown outcome can have made anything; None without doubt."""
    row = ledger.db.execute(
        f"select min(coalesce(id_high_water, 0)) from attempts where entity = ? and {_DOUBT}",
        (entity,),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def deals_in_doubt(ledger: Ledger, entity: str) -> list[int]:
    """The deals under which a call of unknown outcome may have made something."""
    rows = ledger.db.execute(
        "select distinct deal_id from id_map where deal_id is not null and entity = ?1"
        f" and source_key in (select source_key from attempts where entity = ?1 and {_DOUBT})"
        " order by deal_id",
        (entity,),
    )
    return [int(row[0]) for row in rows]


def last_write(ledger: Ledger) -> datetime | None:
    """When the last call ended that may have written something."""
    latest = "select max(coalesce(finished_at, intent_at)) from attempts"
    row = ledger.db.execute(latest).fetchone()
    if not row[0]:
        return None
    return datetime.fromisoformat(row[0])
