"""The data folder while an extraction works in it: private files, one extraction at a time.

Raises `ConfigError` when it can't be written to, `RetryLater` while another extraction runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from load.errors import ConfigError, RetryLater


@contextlib.contextmanager
def private_folder(data_dir: Path) -> Iterator[None]:
    """Holds the lock of the folder; what is made in this block is its owner's alone."""
    before = os.umask(0o077)
    try:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (data_dir / "alpine_iq.lock").open("a+")
        except OSError as error:
            raise ConfigError(
                f"the data directory can't be written to ({error.strerror}); check AIQ2PD_DATA_DIR"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RetryLater(
                    "another extraction into this data directory is running; wait for it to end"
                ) from None
            yield
    finally:
        os.umask(before)
