"""Copies of the ledger: beside it at each run's start, and off the machine where that is asked for.

Raises `ConfigError` when the folder off the machine can't be written to: a run does not start
without the copy that was asked for.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from load.errors import ConfigError

KEPT: Final = 10
FOLDER: Final = "ledger_backups"


def back_up(db: sqlite3.Connection, ledger: Path, name: str, off_machine: Path | None) -> None:
    """One copy as of now; the oldest of more than ten go."""
    folder = ledger.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{name}.sqlite"
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    with closing(sqlite3.connect(target)) as copy:
        db.backup(copy)
    _keep_newest(folder)
    if off_machine is not None:
        _copy(target, off_machine)


def _copy(backup: Path, folder: Path) -> None:
    half = folder / f"{backup.name}.tmp"
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        half.touch(mode=0o600)
        shutil.copyfile(backup, half)
        half.replace(folder / backup.name)
        _keep_newest(folder)
    except OSError as error:
        raise ConfigError(
            f"AIQ2PD_BACKUP_DIR {folder} cannot be written to ({error.strerror}): mend or unset it"
        ) from error


def _keep_newest(folder: Path) -> None:
    for old in sorted(folder.glob("*.sqlite"))[:-KEPT]:
        old.unlink()
