"""Copies outside the data folder: ledgers in AIQ2PD_BACKUP_DIR, and sealed bundles.

A bundle is opened with AIQ2PD_HANDOVER_KEY, loses the person like the data folder itself, and is
sealed again in its place. What is not there or does not open is named, with what a person must do.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from load.errors import ConfigError, RetryLater
from load.forget import plans, rows
from load.forget.needles import Needles
from migrate import bundles
from migrate.forget import files
from migrate.places import Places


@dataclass(slots=True)
class Copies:
    """Rows and files that hold the person, by copy, and copies that could not be reached."""

    holding: dict[str, int] = field(default_factory=dict)
    beyond_reach: dict[str, str] = field(default_factory=dict)


def count(where: Places, backup_dir: Path | None, needles: Needles) -> Copies:
    """Looks into every copy."""
    return _over_all(
        where, backup_dir, lambda file: rows.count(file, needles), needles, erase=False
    )


def erase(where: Places, backup_dir: Path | None, needles: Needles) -> Copies:
    """Takes the person out of every copy; the counts are of what was taken out."""
    return _over_all(where, backup_dir, lambda file: rows.erase(file, needles), needles, erase=True)


def _over_all(
    where: Places,
    backup_dir: Path | None,
    in_ledger: Callable[[Path], int],
    needles: Needles,
    *,
    erase: bool,
) -> Copies:
    found = Copies()
    if backup_dir is not None and not backup_dir.is_dir():
        found.beyond_reach[str(backup_dir)] = (
            "AIQ2PD_BACKUP_DIR is not there: bring it back and run the same command again, or "
            "delete the backups that it holds"
        )
    for file in sorted(backup_dir.glob("*.sqlite")) if backup_dir is not None else ():
        try:
            found.holding[str(file)] = in_ledger(file)
        except (sqlite3.Error, RetryLater) as error:
            found.beyond_reach[str(file)] = f"can't be opened ({error}): mend it, or delete it"
    for file in bundles.noted(where):
        try:
            found.holding[str(file)] = _in_bundle(where, file, needles, erase=erase)
        except (OSError, ConfigError) as error:
            found.beyond_reach[str(file)] = (
                f"{error}. Set {bundles.KEY_VARIABLE} to its passphrase and run the same command "
                f"again, or delete it, wherever it is, and its line in {bundles.NOTED}"
            )
    found.holding = {place: held for place, held in found.holding.items() if held}
    return found


def _in_bundle(where: Places, bundle: Path, needles: Needles, *, erase: bool) -> int:
    """Unpacks a bundle beside the ledger, counts or erases, and seals what is left again."""
    content, manifest = bundles.extracted(bundles.decrypted(bundle.read_bytes(), bundles.key()))
    with tempfile.TemporaryDirectory(dir=where.data, prefix=".bundle-") as name:
        folder = Path(name)
        for member, data in content.items():
            target = folder / member
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.touch(mode=0o600)
            target.write_bytes(data)
        ledger = folder / "ledger.sqlite"
        held = rows.count(ledger, needles) + plans.count(folder / "plans", needles)
        held += len(files.holding(folder, needles))
        if erase and held:
            rows.erase(ledger, needles)
            plans.erase(folder / "plans", needles)
            files.erase(folder, needles)
            left = {
                str(file.relative_to(folder)): file.read_bytes()
                for file in sorted(folder.rglob("*"))
                if file.is_file() and not file.name.endswith(("-wal", "-shm"))
            }
            about = {key: value for key, value in manifest.items() if key != "files"}
            clear = bundles.archived(left, about)
            bundles.write(bundle, bundles.encrypted(clear, bundles.key()))
    return held
