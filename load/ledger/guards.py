"""Columns that may not be raised and that a call of ours wrote: was anything lower written over?

A guard is due from the intent on, so that it outlives the process. Only the record's change log
tells what stood there when the call arrived; `load.guard` reads it.

    due -> clear | put back | unread        lifted (no state) if the call was never applied
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from load.ledger.records import fetch, in_chunks
from load.ledger.store import Ledger

# how the endpoint of such a call ends in the ledger
PUT_BACK: Final = " (put back)"
_DUE: Final = (
    "select journal.attempt_id, journal.entity, journal.source_key, journal.pipedrive_id,"
    " column_name, hash_sent, coalesce(outcome, 'ambiguous') as outcome from journal"
    " join attempts using (attempt_id) join id_map on id_map.entity = journal.entity"
    " and id_map.source_key = journal.source_key where guard = 'due' and state = 'confirmed'"
)


@dataclass(frozen=True, slots=True)
class Guard:
    """One column of one update whose change log is still to be read."""

    attempt_id: int
    entity: str
    source_key: str
    pipedrive_id: int
    column_name: str
    hash_sent: str
    outcome: str


def due(
    ledger: Ledger, entity: str, source_keys: Sequence[str] | None = None
) -> dict[str, list[Guard]]:
    """Guards that are due, by source key, oldest first; of these records, or of all."""
    found: dict[str, list[Guard]] = {}
    sql, order = f"{_DUE} and journal.entity = ?", " order by journal.attempt_id"
    keys = list(source_keys or ())
    if source_keys is None:
        rows = ledger.db.execute(sql + order, (entity,)).fetchall()
    else:
        rows = []
        for chunk, marks in in_chunks(keys):
            part = f"{sql} and journal.source_key in ({marks}){order}"
            rows += ledger.db.execute(part, (entity, *chunk)).fetchall()
    for row in rows:
        found.setdefault(row["source_key"], []).append(Guard(*row))
    return found


def end(ledger: Ledger, ended: Iterable[Guard], state: str) -> None:
    """The change log was read, or nobody could read it: `clear`, `put back` or `unread`."""
    with ledger.transaction() as db:
        db.executemany(
            "update journal set guard = ? where attempt_id = ? and column_name = ?",
            [(state, one.attempt_id, one.column_name) for one in ended],
        )


def lift(ledger: Ledger, attempt_id: int) -> None:
    """The call was refused or never left: there is nothing to look for."""
    with ledger.transaction() as db:
        db.execute("update journal set guard = null where attempt_id = ?", (attempt_id,))


def settle_put_backs(ledger: Ledger, entity: str, source_key: str) -> None:
    """Ends the calls that put something back; they journal no column."""
    with ledger.transaction() as db:
        db.execute(
            "update attempts set outcome = 'applied', finished_at = ? where entity = ?"
            " and source_key = ? and verb = 'update'"
            " and coalesce(outcome, 'ambiguous') = 'ambiguous' and endpoint like ?",
            (ledger.stamp(), entity, source_key, f"%{PUT_BACK}"),
        )


def belongs_to_people(
    ledger: Ledger, entity: str, source_key: str, columns: Sequence[str], reason: str
) -> None:
    """Columns that stay as somebody set them: later plans look at them again."""
    fields = dict(fetch(ledger, [source_key])[source_key].field_hashes)
    for column in columns:
        fields.pop(column, None)
    with ledger.transaction() as db:
        db.execute(
            "update id_map set field_hashes = ?, reason_code = 'edited by others', reason = ?,"
            " run_id = ?, updated_at = ? where entity = ? and source_key = ?",
            (
                json.dumps(fields, sort_keys=True), f"{reason}: {', '.join(columns)}",
                ledger.run_id, ledger.stamp(), entity, source_key,
            ),
        )  # fmt: skip
