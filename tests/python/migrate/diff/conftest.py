"""A repository with one commit of today's mapping, in which a test may change things."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.diff.revisions import ROOMS
from migrate.settings import Settings

ROOT = Path(__file__).resolve().parents[4]
GIT = shutil.which("git") or "git"
PATCHES = ROOT / "examples" / "pull_requests"


@dataclass(frozen=True)
class Repository:
    """Where it is, and whose settings a diff in it goes by."""

    path: Path
    settings: Settings

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        subprocess.run([GIT, *who, *arguments], cwd=self.path, check=True, capture_output=True)

    def apply(self, name: str) -> None:
        self.git("apply", "--unidiff-zero", str(PATCHES / f"{name}.patch"))

    def clean(self) -> None:
        self.git("checkout", "--quiet", "--", ".")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    place = tmp_path_factory.mktemp("repository")
    for room in ROOMS:
        source = ROOT / room
        if source.is_dir():
            shutil.copytree(source, place / room)
        elif source.exists():
            shutil.copy(source, place / room)
    made = Repository(place, Settings(AIQ2PD_DATA_DIR=tmp_path_factory.mktemp("data")))
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message=as it is")
    return made
