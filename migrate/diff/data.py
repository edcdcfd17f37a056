"""The data that both sides are built on: the sandbox's account, or a warehouse that is there.

The fixture is extracted once from a sandbox of its own and kept below the data folder; it is made
anew when the generator or the extraction changed.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from migrate.diff.builds import WAREHOUSE, Data
from migrate.places import core_dir

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

FIXTURE: Final = "fixture"
LOCAL: Final = "local"
PERSONAS: Final = 120
SEED: Final = 7
SCALE: Final = 600.0
MADE_BY: Final = ("sandbox", "extract")


def chosen(settings: Settings, progress: Progress, name: str) -> Data:
    """`fixture`, `local` (this data folder's warehouse) or the path of a warehouse."""
    if name == LOCAL:
        return Data(LOCAL, settings.places.warehouse)
    if name != FIXTURE:
        return Data(Path(name).name, Path(name).absolute())
    return Data(f"fixture ({PERSONAS} personas, seed {SEED})", fixture(settings, progress))


def fixture(settings: Settings, progress: Progress) -> Path:
    """A warehouse with the landed tables of a generated account, and nothing else."""
    folder = settings.places.data / "diff" / f"fixture-{_made_by()}"
    if not (folder / "finished").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        _extract(folder, progress)
        (folder / "finished").touch()
    return folder / WAREHOUSE


def _extract(folder: Path, progress: Progress) -> None:
    from extract.alpine_iq import extract_account
    from extract.alpine_iq.settings import AlpineIQAccount
    from sandbox import process

    info = process.up(folder / "sandbox", personas=PERSONAS, seed=SEED, window_scale=SCALE)
    try:
        account = AlpineIQAccount(
            base_url=info.alpine_iq_url,
            uid=info.uid,
            api_key=info.api_key,
            window_scale=info.window_scale,
        )
        extract_account(account, folder, progress=progress)
    finally:
        process.down(folder / "sandbox")
        shutil.rmtree(folder / "sandbox", ignore_errors=True)


def _made_by() -> str:
    digest = hashlib.sha256(f"{PERSONAS}:{SEED}".encode())
    for room in MADE_BY:
        for file in sorted((core_dir() / room).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
