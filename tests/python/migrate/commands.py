"""An account of a test's own, worked by the commands: what its answers, tables and servers hold."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from typer.testing import CliRunner

from load.plan import latest_plan
from migrate import steps
from migrate.cli import app
from migrate.places import project_dir
from sandbox import door, process
from sandbox.process import SandboxInfo

if TYPE_CHECKING:
    import pytest

LONGEST = 240
ROOMS = ("models", "macros", "seeds", "profiles", "tests")
FILES = ("dbt_project.yml", "profiles.yml", "selectors.yml", "account.toml")


@dataclass(frozen=True)
class Account:
    """A data folder and its servers; the settings are in force."""

    folder: Path
    info: SandboxInfo

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """A command's answer."""
        ended = CliRunner().invoke(app, [*words, "--json"])
        assert ended.exit_code == code, (words, ended.exit_code, ended.output[-3000:])
        return json.loads(ended.stdout) if ended.stdout.startswith("{") else {}

    def apply_killed_at(self, point: str) -> None:
        """An apply of its own process, ended by kill -9 at a named point of the loader."""
        killed = subprocess.run(
            [Path(sys.executable).with_name("aiq2pd"), "apply"],
            env=os.environ | {"LOAD_CRASHPOINT": point},
            check=False, capture_output=True, timeout=LONGEST,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        file = str(self.folder / "warehouse.duckdb")
        with closing(duckdb.connect(file, read_only=True)) as warehouse:
            return warehouse.execute(sql).fetchall()

    def live(self, entity: str) -> list[dict[str, Any]]:
        """Live records of an entity, by the service's own dump."""
        dump = door.get_text(self.info.pipedrive_url, "records").splitlines()
        found = [json.loads(line) for line in dump if line]
        return [one["record"] for one in found if one["entity"] == entity and not one["deleted"]]

    def check(self) -> str:
        """The independent checker's last line."""
        dump = self.folder / "records.jsonl"
        dump.write_text(door.get_text(self.info.pipedrive_url, "records"), encoding="utf-8")
        plan = latest_plan(self.folder / "plans")
        assert plan is not None
        done = subprocess.run(
            [sys.executable, "-m", "checker", "--ledger", self.folder / "ledger.sqlite",
             "--plan", plan.folder, "--pipedrive-dump", dump],
            capture_output=True, text=True, check=False, timeout=LONGEST,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.strip().splitlines()[-1]


def copy_of_the_project(folder: Path) -> Path:
    """The dbt project with seeds to write in."""
    for room in ROOMS:
        shutil.copytree(project_dir() / room, folder / room)
    for file in FILES:
        shutil.copy(project_dir() / file, folder / file)
    return folder


@contextmanager
def new_account(
    folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch, *, personas: int = 40
) -> Iterator[Account]:
    """An account of which nothing is landed, in force with this project for as long as the block
    lasts."""
    monkeypatch.setattr(steps, "project_dir", lambda: project)
    info = process.up(folder / "sandbox", personas=personas, seed=7, window_scale=600)
    try:
        for name, value in info.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AIQ2PD_DATA_DIR", str(folder))
        monkeypatch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
        monkeypatch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
        yield Account(folder, info)
    finally:
        process.down(folder / "sandbox")
