"""What the service has answered and the warehouse does not hold yet, so that no call is made twice.

A SQLite file (0600, in the data directory). Every answer is written here before anything is made
of it; a run that was killed reads on from here and loses only the calls in flight. Answers leave
once their slice is committed in the warehouse; the file is emptied when the run is closed, because
it holds personal data.

Bodies are compressed; times are UTC.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, account TEXT NOT NULL, started_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    request TEXT NOT NULL, attempt INTEGER NOT NULL, run_id TEXT NOT NULL,
    status INTEGER NOT NULL, fetched_at REAL NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (run_id, request, attempt)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One usable answer. `request` is path and query; it may hold addresses, never secrets."""

    request: str
    status: int
    body: bytes
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One extraction, from its first call to its last slice, over any number of processes."""

    run_id: str
    started_at: datetime


class Journal:
    """Open run and unlanded answers of one account."""

    def __init__(self, path: Path, account: str) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.executescript(_SCHEMA)

    def open_run(self) -> Run | None:
        """The run that was not finished, if there is one."""
        with self._lock:
            row = self._db.execute(
                "SELECT run_id, started_at FROM runs WHERE account = ?", (self._account,)
            ).fetchone()
        return Run(row[0], datetime.fromtimestamp(row[1], UTC)) if row else None

    def begin(self, run: Run) -> None:
        with self._lock:
            self._db.execute(
                "INSERT INTO runs VALUES (?, ?, ?)",
                (run.run_id, self._account, run.started_at.timestamp()),
            )

    def keep(self, run_id: str, attempt: int, answer: Answer) -> None:
        with self._lock:
            self._db.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                (
                    answer.request,
                    attempt,
                    run_id,
                    answer.status,
                    answer.fetched_at.timestamp(),
                    zlib.compress(answer.body, 1),
                ),
            )

    def kept(self, run_id: str, request: str, attempt: int) -> Answer | None:
        with self._lock:
            row = self._db.execute(
                "SELECT status, fetched_at, body FROM answers "
                "WHERE run_id = ? AND request = ? AND attempt = ?",
                (run_id, request, attempt),
            ).fetchone()
        if row is None:
            return None
        fetched_at = datetime.fromtimestamp(row[1], UTC)
        return Answer(request, row[0], zlib.decompress(row[2]), fetched_at)

    def statuses(self, run_id: str, path: str) -> dict[str, int]:
        """Calls below `path` whose answers are kept, each with its status."""
        with self._lock:
            rows = self._db.execute(
                "SELECT request, status FROM answers WHERE run_id = ? "
                "AND substr(request, 1, ?) = ?",
                (run_id, len(path), path),
            ).fetchall()
        return dict(rows)

    def forget(self, run_id: str, requests: list[str]) -> None:
        """Their slice is committed in the warehouse."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "DELETE FROM answers WHERE run_id = ? AND request = ?",
                [(run_id, request) for request in requests],
            )
            self._db.execute("COMMIT")

    def close_run(self, run_id: str) -> None:
        """The run is complete: nothing of its answers stays on disk."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM answers WHERE run_id = ?", (run_id,))
            self._db.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
            self._db.execute("COMMIT")
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._db.close()
