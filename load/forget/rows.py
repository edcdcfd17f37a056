"""Rows of SQLite files that hold a text of a subject: counted, erased, and gone from the bytes.

What hangs on an erased attempt (`attempt_id`) goes with it. The event chain is never touched: it
holds ids, codes and counts only, and a missing link would break its proof. A file is rewritten
(VACUUM, log cut) so that nothing of an erased row stays in free pages.

Raises `RetryLater` when another process writes to the file.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from load.errors import RetryLater
from load.forget.needles import Needles, holds

KEPT_TABLES: Final = frozenset({"events"})


def count(path: Path, needles: Needles) -> int:
    """Rows that hold a text of the subject."""
    with opened(path) as db:
        _teach(db, needles.compiled())
        return sum(
            int(db.execute(f'select count(*) from "{table}" where {condition}').fetchone()[0])
            for table, condition in _conditions(db)
        )


def erase(path: Path, needles: Needles) -> int:
    """Erases these rows and rewrites the file; says how many there were."""
    with opened(path) as db:
        _teach(db, needles.compiled())
        erased = _erase_rows(db)
        if erased:
            rewrite(db)
    return erased


def ids_of(ledger: Path, source_keys: Sequence[str]) -> dict[str, list[int]]:
    """The target's ids of these records, by entity, as the ledger knows them."""
    found: dict[str, list[int]] = {}
    with opened(ledger) as db:
        for key in source_keys:
            for entity, number in db.execute(
                "select entity, pipedrive_id from id_map"
                " where source_key = ? and pipedrive_id is not null",
                (key,),
            ):
                found.setdefault(entity, []).append(number)
    return found


def rewrite(db: sqlite3.Connection) -> None:
    """Leaves nothing of former rows in the file or its log."""
    db.execute("vacuum")
    db.execute("pragma wal_checkpoint(truncate)")


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that overwrites what it deletes."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        db.execute("pragma secure_delete = on")
        yield db
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise RetryLater(f"{path.name} is in use by another run: wait for it") from error
    finally:
        db.close()


def _teach(db: sqlite3.Connection, pattern: re.Pattern[bytes]) -> None:
    db.create_function("holds", -1, functools.partial(holds, pattern), deterministic=True)


def _erase_rows(db: sqlite3.Connection) -> int:
    db.execute("begin immediate")
    conditions = dict(_conditions(db))
    erased = 0
    if "attempts" in conditions:
        db.execute(
            "create temp table doomed as select attempt_id from attempts"
            f" where {conditions['attempts']}"
        )
        for table in _tables(db):
            if table != "attempts" and "attempt_id" in _columns(db, table):
                erased += db.execute(
                    f'delete from "{table}" where attempt_id in (select attempt_id from doomed)'
                ).rowcount
    for table, condition in conditions.items():
        erased += db.execute(f'delete from "{table}" where {condition}').rowcount
    db.execute("commit")
    return erased


def _conditions(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table in _tables(db):
        cells = ", ".join(f'"{column}"' for column in _columns(db, table))
        yield table, f"holds({cells})"


def _tables(db: sqlite3.Connection) -> list[str]:
    found = db.execute(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    )
    return sorted({name for (name,) in found} - KEPT_TABLES)


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f'pragma table_info("{table}")')]
