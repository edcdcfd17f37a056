"""A load of several days: who opts out meanwhile is written so, and before anything else."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from load.progress import Silent
from migrate import account, steps
from migrate.cli import app
from sandbox import door, process

pytestmark = pytest.mark.long
LONGEST = 240
CONSENT = "sms_opt_in__c"
KILLED_AT = "create.after_outcome:person#15"


@pytest.fixture
def info(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[process.SandboxInfo]:
    info = process.up(data_dir / "sandbox", personas=40, seed=7, window_scale=600)
    for name, value in info.environment().items():
        monkeypatch.setenv(name, value)
    yield info
    process.down(data_dir / "sandbox")


def asked(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as ledger:
        return ledger.execute(sql).fetchall()


def test_opt_outs_between_two_days_are_the_first_write_of_the_second_and_reach_those_not_yet_loaded(
    info: process.SandboxInfo, data_dir: Path
) -> None:
    settings, silent = account.on_sandbox(info), Silent()
    for step in (steps.extract_source, steps.build_models, steps.make_plan):
        step(settings, silent)
    died = subprocess.run(
        [Path(sys.executable).with_name("aiq2pd"), "apply"],
        env=os.environ | {"LOAD_CRASHPOINT": KILLED_AT},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    ledger = data_dir / "ledger.sqlite"
    loaded = {
        key
        for (key,) in asked(
            ledger,
            "select source_key from id_map where entity = 'person' and state = 'confirmed'",
        )
    }
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        willing = [
            key
            for (key,) in warehouse.execute(
                f"select source_key from plan.plan_persons where action = 'create'"
                f" and (payload ->> '{CONSENT}') = 'Yes' order by position"
            ).fetchall()
        ]
    there = next(key for key in willing if key in loaded)
    not_yet = next(key for key in willing if key not in loaded)
    for key in (there, not_yet):
        edit = {
            "action": "edit_contact",
            "contactID": key.rpartition(":")[2],
            "values": {"optoutTime": int(time.time())},
        }
        door.post(info.alpine_iq_url, "edit", edit)
    calls = door.get(info.pipedrive_url, "log?limit=100000")["calls"]

    ended = CliRunner().invoke(app, ["apply", "--refresh", "--json"])
    assert ended.exit_code in (0, 3), ended.output[-3000:]

    ids = dict(asked(ledger, "select source_key, pipedrive_id from id_map where entity = 'person'"))
    later = door.get(info.pipedrive_url, f"log?limit=100000&after={len(calls)}")["calls"]
    writes = [(one["method"], one["path"]) for one in later if one["method"] != "GET"]
    records = [one for one in writes if "Fields" not in one[1]]
    assert records[0] == ("PATCH", "/api/v2/persons/{id}")
    ((code,),) = asked(
        ledger, f"select field_code from field_codes where column_name = '{CONSENT}'"
    )
    ((no,),) = asked(
        ledger,
        f"select option_id from option_ids where column_name = '{CONSENT}' and option_label = 'No'",
    )
    dump = door.get_text(info.pipedrive_url, "records").splitlines()
    persons = [
        one
        for one in map(json.loads, filter(None, dump))
        if one["entity"] == "person" and not one["deleted"]
    ]
    held = {one["record"]["id"]: one["record"]["custom_fields"][code] for one in persons}
    assert (held[ids[there]], held[ids[not_yet]]) == (no, no)
    assert len(persons) == len(set(ids.values()))
