"""The loader's ledger, read from its SQLite file, which is opened for reading only.

Raises `sqlite3.Error` for a file that is no ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Known:
    """One row of the id map."""

    entity: str
    source_key: str
    state: str
    id: int | None
    payload_hash: str | None
    origin: str | None
    reason_code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Extra:
    """A record that carries a key of ours and should not be there."""

    entity: str
    id: int
    source_key: str
    action: str


@dataclass(slots=True)
class Ledger:
    """The id map by source key, extras by entity and id, events in order, attempts."""

    known: dict[str, Known] = field(default_factory=dict)
    extras: dict[tuple[str, int], Extra] = field(default_factory=dict)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    attempts: list[Mapping[str, Any]] = field(default_factory=list)


def read_ledger(path: Path) -> Ledger:
    """Reads everything that the invariants need."""
    found = Ledger()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        for row in db.execute("select * from id_map"):
            found.known[row["source_key"]] = Known(
                row["entity"],
                row["source_key"],
                row["state"],
                row["pipedrive_id"],
                row["payload_hash"],
                row["origin"],
                row["reason_code"],
                row["reason"],
            )
        for row in db.execute("select * from extras"):
            extra = Extra(row["entity"], row["pipedrive_id"], row["source_key"], row["action"])
            found.extras[extra.entity, extra.id] = extra
        found.events = [tuple(row) for row in db.execute("select * from events order by seq")]
        found.attempts = [dict(row) for row in db.execute("select * from attempts")]
    return found


def kept_columns(known: Known) -> frozenset[str]:
    """Columns that the ledger says were left as others made them."""
    if known.reason_code != "edited by others" or not known.reason:
        return frozenset()
    return frozenset(name.strip() for name in known.reason.rpartition(":")[2].split(","))
