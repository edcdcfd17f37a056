"""Both sides of a diff as warehouses built to the plan models.

The base is built once per commit and data and kept below the data folder (0700: on real data it
holds customers). The head starts as a copy of it, in which dbt rebuilds what its state comparison
says has changed and what stands on that; all of it when something changed that dbt does not
compare (Python functions called by SQL, project configuration).
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate import dbt
from migrate.diff.revisions import Revision, export, revision
from migrate.places import core_dir

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

# by package, not by path: in a customer's repository the plan's models lie in the core
TO_THE_PLAN: Final = "+fqn:alpineiq_to_pipedrive.plan.*"
WHAT_CHANGED: Final = f"state:modified+,{TO_THE_PLAN}"
NO_TESTS: Final = ("--exclude-resource-type", "test")
WAREHOUSE: Final = "warehouse.duckdb"
KEPT_BASES: Final = 5
PACKAGES: Final = "dbt_packages"
CORES_FUNCTIONS: Final = re.compile(r"[^\s\[\],\"']+/macros/udfs")


@dataclass(frozen=True, slots=True)
class Data:
    """A warehouse whose landed tables both sides are built on."""

    name: str
    warehouse: Path

    @property
    def fingerprint(self) -> str:
        """Changes whenever somebody wrote to the file."""
        stat = self.warehouse.stat()
        text = f"{self.warehouse}:{stat.st_size}:{stat.st_mtime_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Side:
    """One revision, built."""

    revision: Revision
    warehouse: Path
    nodes: int


def both_sides(
    project: Path, settings: Settings, progress: Progress, *, base: str, head: str, data: Data
) -> tuple[Side, Side]:
    """Base and head on the same data."""
    if not data.warehouse.is_file():
        raise ConfigError(f"no warehouse at {data.warehouse}: run `aiq2pd extract` first")
    before, after = revision(project, base), revision(project, head)
    room = settings.places.data / "diff"
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    builder = _Builder(
        project, settings, progress, room / f"{before.commit[:16]}-{data.fingerprint}"
    )
    built = builder.base(before, data)
    return built, builder.head(built, after)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds both sides below one folder: the base in it, the head in `head`."""

    project: Path
    settings: Settings
    progress: Progress
    folder: Path

    def base(self, which: Revision, data: Data) -> Side:
        """As it was built before, or built now."""
        warehouse, finished = self.folder / WAREHOUSE, self.folder / "finished"
        if finished.is_file():
            finished.touch()
            return Side(which, warehouse, 0)
        shutil.rmtree(self.folder, ignore_errors=True)
        _forget_the_oldest(self.folder.parent)
        self.folder.mkdir(mode=0o700)
        _check_out(self.project, which.commit, self.folder / "project")
        _copy(data.warehouse, warehouse)
        nodes = self._build(self.folder / "project", self.folder, (TO_THE_PLAN,))
        finished.touch()
        return Side(which, warehouse, nodes)

    def head(self, base: Side, which: Revision) -> Side:
        """A copy of the base, rebuilt as far as the change reaches."""
        if which.mapping == base.revision.mapping:
            return Side(which, base.warehouse, 0)
        place = self.folder / "head"
        place.mkdir(mode=0o700, exist_ok=True)
        _copy(base.warehouse, place / WAREHOUSE)
        source = self.project
        if which.commit:
            source = place / "project"
            shutil.rmtree(source, ignore_errors=True)
            _check_out(self.project, which.commit, source)
        if which.unseen != base.revision.unseen:
            nodes = self._build(source, place, (TO_THE_PLAN,))
        else:
            state = ("--state", str(self.folder / "target"))
            nodes = self._build(source, place, (WHAT_CHANGED,), state)
        return Side(which, place / WAREHOUSE, nodes)

    def _build(
        self, source: Path, place: Path, select: tuple[str, ...], state: tuple[str, ...] = ()
    ) -> int:
        done = dbt.build(
            source,
            environment={
                **self.settings.environment_of_dbt(),
                "AIQ2PD_DATA_DIR": str(place),
                "AIQ2PD_TARGET": "duckdb",
            },
            target_path=place / "target",
            progress=self.progress,
            select=select,
            options=(*NO_TESTS, *state),
            write_json=True,
        )
        return sum(done.nodes.values())


def _check_out(project: Path, commit: str, folder: Path) -> None:
    """The project of a commit; a customer's finds the core where the project in force finds it."""
    export(project, commit, folder)
    if not (project / PACKAGES).is_dir():
        return
    (folder / PACKAGES).mkdir()
    for package in (project / PACKAGES).iterdir():
        (folder / PACKAGES / package.name).symlink_to(package.resolve())
    profile = folder / "profiles" / "profiles.yml"
    functions = str(core_dir() / "macros" / "udfs")
    text = CORES_FUNCTIONS.sub(lambda _: functions, profile.read_text(encoding="utf-8"))
    profile.write_text(text, encoding="utf-8")


def _copy(warehouse: Path, to: Path) -> None:
    shutil.copyfile(warehouse, to)
    to.chmod(0o600)


def _forget_the_oldest(room: Path) -> None:
    """Bases take as much room as the warehouse: the last few are enough."""
    bases = sorted(room.glob("*/finished"), key=lambda file: file.stat().st_mtime, reverse=True)
    for stale in bases[KEPT_BASES - 1 :]:
        shutil.rmtree(stale.parent, ignore_errors=True)
