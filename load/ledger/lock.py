"""One run at a time: a lock file that the kernel frees when its holder dies, however it dies.

The file says who holds it (pid and start), for the message to whom it refuses.
Raises `RetryLater` if another run holds the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load.errors import RetryLater


@contextmanager
def run_lock(path: Path, *, started_at: str) -> Iterator[None]:
    """Holds the lock of the ledger at `path` for the length of the block."""
    lock_path = path.with_suffix(path.suffix + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RetryLater(
                f"another run is active ({_holder(lock_path)}); wait for it or stop it"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, json.dumps({"pid": os.getpid(), "started_at": started_at}).encode(), 0
        )
        yield
    finally:
        os.close(descriptor)


def _holder(lock_path: Path) -> str:
    try:
        holder = json.loads(lock_path.read_text())
        return f"pid {holder['pid']}, since {holder['started_at']}"
    except (OSError, ValueError, KeyError):
        return "holder unknown"
