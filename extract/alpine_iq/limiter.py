"""The three rate windows of an Alpine IQ account, held across threads, processes and restarts.

The service sends no rate headers, so we count for ourselves, in a SQLite file that every process
on this machine shares. A call holds its place from the moment it is sent until one window length
after it was answered. Whenever the server saw it in between, no window that the server can lay
over the calls holds more than the limit: no guess about latency is needed. Calls of a process that
died count as answered when its death is noticed.

Times are seconds since the epoch (wall clock, as it must outlive the process). Blocks by sleeping;
raises `RetryLater` when the service asks for a pause longer than the caller may wait, and what
SQLite raises when nothing can be written: from then on no thread gets a ticket or waits for one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from extract.alpine_iq.settings import MAX_WAIT_SECONDS, Window
from load.errors import RetryLater

_IN_FLIGHT: Final = 9e15  # later than any clock: sorts after every answered call
_MARGIN: Final = 1.02  # two clocks need not tick alike
_POLL_SECONDS: Final = 0.004
_PROCESS: Final = uuid.uuid4().hex  # a pid comes back, in containers at every start
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS calls (
    ticket INTEGER PRIMARY KEY, account TEXT NOT NULL, pid INTEGER NOT NULL,
    process TEXT NOT NULL, settled REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (account, settled);
CREATE TABLE IF NOT EXISTS pauses (account TEXT PRIMARY KEY, until REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS made (
    run_id TEXT NOT NULL, endpoint TEXT NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (run_id, endpoint)
) STRICT;
"""


class CallLimiter:
    """Hands out tickets for calls; counts what each run has sent."""

    def __init__(
        self,
        path: Path,
        account: str,
        windows: Iterable[Window],
        *,
        scale: float,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._account = account
        self._windows = [(w.calls, w.seconds / scale * _MARGIN) for w in windows]
        self._longest = max(seconds for _, seconds in self._windows)
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._broken: sqlite3.Error | None = None
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def claim(self, run_id: str, endpoint: str) -> int:
        """Wait until one more call fits into every window; return its ticket."""
        while True:
            with self._lock:
                if self._broken is not None:
                    raise self._broken  # calls stay in flight for ever that nobody could settle
                ticket, wait = self._try_claim(run_id, endpoint)
            if ticket is not None:
                return ticket
            self._sleep(min(wait, 1.0))

    def settle(self, ticket: int) -> None:
        """The call was answered, refused or given up: its windows run from now."""
        with self._lock:
            try:
                self._db.execute(
                    "UPDATE calls SET settled = ? WHERE ticket = ?", (self._now(), ticket)
                )
            except sqlite3.Error as error:  # a full disk
                self._broken = error
                raise

    def pause(self, seconds: float) -> None:
        """The service said 429: nobody sends for so long."""
        if seconds > MAX_WAIT_SECONDS:
            raise RetryLater(
                f"Alpine IQ asks for a pause of {seconds:.0f} s; run the command again after it, "
                "it goes on where it stopped"
            )
        with self._lock:
            self._db.execute(
                "INSERT INTO pauses VALUES (?, ?) ON CONFLICT (account) DO UPDATE "
                "SET until = max(until, excluded.until)",
                (self._account, self._now() + seconds),
            )

    def made(self, run_id: str) -> dict[str, int]:
        """Calls sent so far by this run, over all its processes, by endpoint."""
        with self._lock:
            rows = self._db.execute(
                "SELECT endpoint, calls FROM made WHERE run_id = ? ORDER BY endpoint", (run_id,)
            ).fetchall()
        return {str(endpoint): int(calls) for endpoint, calls in rows}

    def close(self) -> None:
        self._db.close()

    def _try_claim(self, run_id: str, endpoint: str) -> tuple[int | None, float]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            now = self._now()
            wait = self._wait(now)
            if wait > 0:
                self._db.execute("COMMIT")  # keeps what was found out about dead processes
                return None, wait
            cursor = self._db.execute(
                "INSERT INTO calls (account, pid, process, settled) VALUES (?, ?, ?, ?)",
                (self._account, os.getpid(), _PROCESS, _IN_FLIGHT),
            )
            self._db.execute(
                "INSERT INTO made VALUES (?, ?, 1) ON CONFLICT (run_id, endpoint) DO UPDATE "
                "SET calls = calls + 1",
                (run_id, endpoint),
            )
            self._db.execute(
                "DELETE FROM calls WHERE account = ? AND settled < ?",
                (self._account, now - self._longest),
            )
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return cursor.lastrowid, 0.0

    def _wait(self, now: float) -> float:
        paused = self._db.execute(
            "SELECT until FROM pauses WHERE account = ?", (self._account,)
        ).fetchone()
        wait = float(paused[0]) - now if paused else 0.0
        for calls, seconds in self._windows:
            row = self._db.execute(
                "SELECT settled FROM calls WHERE account = ? "
                "ORDER BY settled DESC LIMIT 1 OFFSET ?",
                (self._account, calls - 1),
            ).fetchone()
            if row is None:
                continue
            if row[0] == _IN_FLIGHT:
                self._settle_calls_of_the_dead(now)
                wait = max(wait, _POLL_SECONDS)
            else:
                wait = max(wait, float(row[0]) + seconds - now)
        return wait

    def _settle_calls_of_the_dead(self, now: float) -> None:
        owners = self._db.execute(
            "SELECT DISTINCT pid, process FROM calls WHERE settled = ? AND process <> ?",
            (_IN_FLIGHT, _PROCESS),
        ).fetchall()
        dead = [process for pid, process in owners if pid == os.getpid() or not _is_alive(pid)]
        self._db.executemany(
            "UPDATE calls SET settled = ? WHERE settled = ? AND process = ?",
            [(now, _IN_FLIGHT, process) for process in dead],
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
