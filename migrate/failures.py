"""The one place where exceptions become a line for people and an exit code.

A family of `load.errors` brings its own message and code. What libraries throw at us (a locked or
damaged file, a full disk, an interrupt) is recognised anywhere in the chain of causes. Everything
else is unforeseen: its text may hold personal data, so only its kind and place are shown.
"""

from __future__ import annotations

import errno
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from load.errors import MigrationError
from migrate.outcome import CONFIGURATION, RUN_AGAIN_LATER, UNFORESEEN

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NOT_ALLOWED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})
DAMAGED: Final = (
    *("SerializationException", "Serialization Error", "not a valid DuckDB", "corrupt", "Corrupt"),
    *("checksum", "attempted to read", "Could not read enough bytes", "WAL file"),
)
FULL: Final = "the disk is full: make room, then run the same command again; what was done stands"


@dataclass(frozen=True, slots=True)
class Failure:
    """A line and a code."""

    message: str
    exit_code: int


def explain(error: BaseException) -> Failure:
    """The first cause that we know, else the unforeseen."""
    chain = list(_chain(error))
    for cause in chain:
        known = _family(cause) or _interrupt(cause) or _file(cause) or _network(cause)
        if known is not None:
            return known
    last = traceback.extract_tb(chain[-1].__traceback__)
    place = f" in {Path(last[-1].filename).name}:{last[-1].lineno}" if last else ""
    return Failure(
        f"unforeseen {type(chain[-1]).__name__}{place}; what was done stands. Run again with "
        "--debug for the traceback (it may show personal data: look before you share it)",
        UNFORESEEN,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what groups hold, and what caused it, each once."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting.extend(cause.exceptions)
        waiting.extend(c for c in (cause.__cause__, cause.__context__) if c is not None)


def _family(error: BaseException) -> Failure | None:
    return Failure(str(error), error.exit_code) if isinstance(error, MigrationError) else None


def _interrupt(error: BaseException) -> Failure | None:
    if isinstance(error, KeyboardInterrupt):
        return Failure(
            "interrupted; what was done stands. Run the same command again to go on",
            RUN_AGAIN_LATER,
        )
    return None


def _file(error: BaseException) -> Failure | None:
    if isinstance(error, sqlite3.Error):
        return _sqlite(error)
    if type(error).__module__.split(".")[0] in {"duckdb", "_duckdb"}:
        return of_duckdb(f"{type(error).__name__}: {error}")
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return Failure(FULL, RUN_AGAIN_LATER)
    if isinstance(error, OSError) and error.errno in NOT_ALLOWED:
        return Failure(
            f"{error.filename}: {error.strerror}; mend its owner or mode, or choose another "
            "folder with AIQ2PD_DATA_DIR",
            CONFIGURATION,
        )
    return None


def _sqlite(error: sqlite3.Error) -> Failure | None:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return Failure(FULL, RUN_AGAIN_LATER)
    if "locked" in text:
        return Failure(
            "another aiq2pd run is writing to the ledger: wait for it (`aiq2pd status`), then "
            "run again",
            RUN_AGAIN_LATER,
        )
    if "readonly" in text or "unable to open" in text:
        return Failure(
            "a SQLite file in the data folder cannot be opened for writing: mend its owner or mode",
            CONFIGURATION,
        )
    if "not a database" in text or "malformed" in text:
        return Failure(
            "a SQLite file in the data folder (ledger.sqlite or a call journal) is damaged; "
            "nothing was written. Put the newest backup of that file in its place, then run again",
            CONFIGURATION,
        )
    return None


def of_duckdb(text: str) -> Failure | None:
    """What DuckDB's own words say about the file, be it caught here or read in dbt's log."""
    if "lock on file" in text or "being used by another process" in text:
        return Failure(
            "another program has the warehouse open (a DuckDB shell, dbt, a notebook): close it, "
            "then run again",
            RUN_AGAIN_LATER,
        )
    if "No space left" in text or "out of disk" in text.lower():
        return Failure(FULL, RUN_AGAIN_LATER)
    if any(word in text for word in DAMAGED):
        return Failure(
            "warehouse.duckdb is damaged (half-written?); the ledger is a file of its own and is "
            "safe. Move the warehouse away, then `aiq2pd extract` and `aiq2pd build` make it anew",
            CONFIGURATION,
        )
    if "Permission denied" in text or "Read-only" in text:
        return Failure(
            "warehouse.duckdb cannot be opened for writing: mend its owner or mode", CONFIGURATION
        )
    return None


def _network(error: BaseException) -> Failure | None:
    unreachable = isinstance(error, ConnectionError) or type(error).__name__ in {
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
    }
    if unreachable:
        return Failure(
            "a server cannot be reached: check ALPINE_IQ_BASE_URL and PIPEDRIVE_BASE_URL and the "
            "network, then run again (`aiq2pd doctor` tries both)",
            RUN_AGAIN_LATER,
        )
    return None
