"""Who was forgotten, as a hash that names nobody: so that they do not come back unnoticed.

A forgotten person may still be a customer at the source. After each extraction and read-back
their rows are recognised by the hash of their contact id and erased once more, before any model
sees them. Salt and hashes lie in the ledger; whoever has neither the ledger nor the source learns
nothing from one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from migrate.forget import warehouse
from migrate.forget.subject import CONTACT, find

_TABLE: Final = (
    "create table if not exists forgotten"
    " (subject_hash text primary key, salt text not null, forgotten_at text not null) strict"
)
_NAMED: Final = r"""
select distinct unnest(regexp_extract_all(payload::varchar, '"(?:contactID|cntID)":"([^"]+)"', 1))
from raw_alpine_iq.{table}
"""
_MEMBERS: Final = """
select distinct unnest(from_json(payload -> 'members', '["VARCHAR"]'))
from raw_alpine_iq.audience_members
"""
_KEYS: Final = rf"""
select distinct regexp_extract(payload::varchar, '{CONTACT}([0-9A-Za-z_-]+)', 1)
from raw_pipedrive.persons
"""


def remember(ledger: Path, contact_ids: Iterable[str]) -> None:
    """Writes down that these contacts are forgotten."""
    with closing(sqlite3.connect(ledger, isolation_level=None, timeout=10)) as db:
        db.execute("pragma synchronous = full")
        db.execute(_TABLE)
        row = db.execute("select salt from forgotten limit 1").fetchone()
        salt = row[0] if row else secrets.token_hex(16)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        db.executemany(
            "insert or ignore into forgotten values (?, ?, ?)",
            [(_hash(salt, each), salt, now) for each in contact_ids],
        )


def erase_again(data_warehouse: Path, ledger: Path, plans_dir: Path) -> int:
    """Erases forgotten people whom the last extraction or read-back brought back; their number."""
    known = _known(ledger)
    if known is None or not data_warehouse.is_file():
        return 0
    salt, hashes = known
    with warehouse.opened(data_warehouse) as connection:
        back = [each for each in _contact_ids(connection) if _hash(salt, each) in hashes]
        subjects = [find(connection, CONTACT + each, plans_dir) for each in back]
        ids = [warehouse.ids_in_read_back(connection, subject) for subject in subjects]
    for subject, there in zip(subjects, ids, strict=True):
        warehouse.erase(data_warehouse, subject, there)
    return len(subjects)


def _known(ledger: Path) -> tuple[str, set[str]] | None:
    if not ledger.is_file():
        return None
    with closing(sqlite3.connect(ledger, timeout=10)) as db:
        try:
            rows = db.execute("select subject_hash, salt from forgotten").fetchall()
        except sqlite3.OperationalError:
            return None  # nobody was ever forgotten
    return (rows[0][1], {row[0] for row in rows}) if rows else None


def _contact_ids(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every contact id that stands anywhere in the raw tables."""
    queries = [
        _NAMED.format(table=table)
        for schema, table in warehouse.tables(connection)
        if schema == "raw_alpine_iq" and not table.startswith("_dlt") and table != "extraction_runs"
    ]
    found: set[str] = set()
    for sql in (*queries, _MEMBERS, _KEYS):
        try:
            found |= {str(row[0]) for row in connection.execute(sql).fetchall() if row[0]}
        except duckdb.CatalogException:
            continue  # not extracted, or not read back, yet
    return found


def _hash(salt: str, contact_id: str) -> str:
    return hmac.new(salt.encode(), contact_id.encode(), hashlib.sha256).hexdigest()
