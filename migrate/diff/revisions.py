"""A revision of the mapping: its files from git, and a hash of exactly what decides the mapping.

The hash covers models, macros, seeds and dbt_project.yml, of a commit or of the working tree alike,
so that a review made before the commit fits the commit. Raises `ConfigError` when git or the
revision is not there.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from load.errors import ConfigError

MAPPING: Final = ("dbt_project.yml", "packages.yml", "models", "macros", "seeds")
ROOMS: Final = (*MAPPING, "selectors.yml", "profiles", "profiles.yml", "tests/dbt")
# dbt sees neither of these when it compares states
UNSEEN_BY_DBT: Final = ("macros/udfs", "dbt_project.yml", "packages.yml")
WORKING_TREE: Final = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """`commit` is empty for the working tree; `unseen` hashes what dbt's state does not cover."""

    name: str
    commit: str
    mapping: str
    unseen: str


def revision(project: Path, name: str) -> Revision:
    """A commit by any name that git knows; the empty name is the working tree."""
    commit = _commit(project, name) if name else WORKING_TREE
    files = dict(_of_commit(project, commit) if commit else _of_working_tree(project))
    unseen = {path: text for path, text in files.items() if path.startswith(UNSEEN_BY_DBT)}
    mapping = {path: text for path, text in files.items() if path.startswith(MAPPING)}
    return Revision(name or "working tree", commit, _hash(mapping), _hash(unseen))


def export(project: Path, commit: str, folder: Path) -> None:
    """The dbt project of a commit, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_archive(project, commit))) as archive:
        archive.extractall(folder, filter="data")


def _of_commit(project: Path, commit: str) -> Iterable[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(_archive(project, commit))) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read()


def _of_working_tree(project: Path) -> Iterable[tuple[str, bytes]]:
    listed = _git(project, "ls-files", "-z", "-co", "--exclude-standard", "--", *ROOMS)
    for name in sorted(set(listed.decode().split("\0")) - {""}):
        file = project / name
        if file.is_file() and not file.is_symlink():
            yield name, file.read_bytes()


def _archive(project: Path, commit: str) -> bytes:
    """Paths are relative to the project, wherever in its repository it lies."""
    there = _git(project, "ls-tree", "--name-only", "-z", commit, *ROOMS).decode().split("\0")
    return _git(project, "archive", "--format=tar", commit, "--", *filter(None, there))


def _hash(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _commit(project: Path, name: str) -> str:
    try:
        found = _git(project, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except ConfigError:
        raise ConfigError(
            f"{name}: git knows no such revision here; fetch it (`git fetch origin {name}`) or "
            "name another"
        ) from None
    return found.decode().strip()


def _git(project: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 (git with our own arguments)
            ["git", *arguments],  # noqa: S607 (git of the path, as people use it)
            cwd=project,
            capture_output=True,
            check=True,
        )
    except FileNotFoundError:
        raise ConfigError(
            "git is not installed: a diff compares revisions that git keeps"
        ) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"git {arguments[0]}: {said[-1] if said else 'failed'}") from None
    return done.stdout
