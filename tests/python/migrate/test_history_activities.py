"""The history of points and campaigns as activities, by the commands, to the end and back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from load.plan import latest_plan
from migrate import steps
from migrate.cli import app
from migrate.places import project_dir
from sandbox import door, process
from sandbox.process import SandboxInfo

pytestmark = pytest.mark.long
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

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
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


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account whose policies.csv says yes to activities, before anything is landed."""
    folder, project = tmp_path / "data", tmp_path / "project"
    for room in ROOMS:
        shutil.copytree(project_dir() / room, project / room)
    for file in FILES:
        shutil.copy(project_dir() / file, project / file)
    policies = project / "seeds" / "decisions" / "policies.csv"
    text = policies.read_text(encoding="utf-8")
    assert "history_activities,no" in text
    policies.write_text(text.replace("history_activities,no", "history_activities,yes"), "utf-8")
    monkeypatch.setattr(steps, "project_dir", lambda: project)
    info = process.up(folder / "sandbox", personas=40, seed=7, window_scale=600)
    try:
        for name, value in info.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AIQ2PD_DATA_DIR", str(folder))
        monkeypatch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
        monkeypatch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
        door.post(info.pipedrive_url, "snapshot", {"name": "before"})
        yield Account(folder, info)
    finally:
        process.down(folder / "sandbox")


def test_each_event_is_one_done_activity_of_its_person_whatever_breaks_and_leaves_with_undo(
    account,
):
    account.run("extract")
    account.run("build")
    planned = account.run("plan", "--read-back")
    ways = {
        row["way"]: row
        for table in planned["tables"].values()
        for row in table
        if isinstance(row, dict) and "way" in row
    }
    events = account.ask(
        "select source_key, person__source_key, due_date, due_time from marts.mart_activities"
    )
    assert len(events) > 20
    assert ways["an activity an event"]["is_chosen"]
    assert ways["an activity an event"]["tokens"] == 5 * len(events)
    assert not ways["one note a person"]["is_chosen"]

    command = [Path(sys.executable).with_name("aiq2pd"), "apply"]
    killed = subprocess.run(
        command, env=os.environ | {"LOAD_CRASHPOINT": "create.after_answer:activity#7"},
        check=False, capture_output=True, timeout=LONGEST,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    account.run("apply", code=3)
    ids = dict(
        account.ask(
            "select source_key, pipedrive_id from ledger.id_map"
            " where entity in ('person', 'activity') and state = 'confirmed'"
        )
    )
    there = {one["id"]: one for one in account.live("activity")}
    assert there.keys() == {ids[key] for key, *_ in events}
    for key, person, due_date, due_time in events:
        shown = there[ids[key]]
        assert shown["done"]
        assert [each["person_id"] for each in shown["participants"]] == [ids[person]]
        assert (shown["due_date"], shown["due_time"]) == (due_date, due_time)
        assert f"[{key}]" in shown["note"]
    assert account.run("apply", code=3)["facts"]["write calls"] == 0
    account.run("sweep")
    account.run("verify")
    compared = account.ask(
        "select verdict, sum(record_count)::int from reconciliation.rec_field_comparison"
        " where entity = 'activity' group by 1"
    )
    assert {verdict for verdict, _ in compared} <= {"equal", "normalised_equal", "kept"}, compared
    assert sum(count for _, count in compared) >= 6 * len(events)
    assert "0 violations" in account.check()
    assert account.run("plan")["facts"]["tokens"] == 0

    person, activity = events[0][1], ids[events[0][0]]
    door.post(
        account.info.pipedrive_url,
        "edit",
        {
            "action": "patch",
            "entity": "activity",
            "id": activity,
            "changes": {"note": "<p>a person was here</p>"},
        },
    )
    left = account.run("undo", "--all", "--yes", code=3)
    assert left
    assert [one["id"] for one in account.live("activity")] == [activity]
    assert ids[person] in {one["id"] for one in account.live("person")}
