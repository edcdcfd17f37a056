"""Two waves over the sandbox, by the commands: load, verify, sign off, the next, one taken back.

In a customer's repository, whose own seed says what is in wave 1.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from load.plan import ENTITY_TABLES, latest_plan
from load.progress import Silent
from migrate.customer import make
from sandbox import door, process

from . import commands

LEFT_OUT = shutil.ignore_patterns(
    "sandbox", "ledger.sqlite*", "ledger_backups", "plans", "steps", "report", "documents"
)
COUNTED = ("organization", "person", "deal", "note")
ROOT = Path(__file__).resolve().parents[3]


class Account(commands.Account):
    """The migrated account's warehouse before an empty Pipedrive, with a rule for wave 1."""

    def there(self) -> Counter[str]:
        """Live records of the company."""
        found = door.get(self.info.pipedrive_url, "stats")["entities"]
        return Counter({name: found[name] for name in COUNTED})

    def planned(self) -> dict[int, set[tuple[str, str]]]:
        """Records of the newest plan by wave: entity and source key."""
        plan = latest_plan(self.folder / "plans")
        assert plan is not None
        found: dict[int, set[tuple[str, str]]] = {1: set(), 2: set()}
        for entity, table in ENTITY_TABLES.items():
            for row in ds.dataset(plan.folder / f"{table}.parquet").to_table().to_pylist():
                if row["action"] == "create" and entity in COUNTED:
                    found[row["wave"]].add((entity, row["source_key"]))
        return found

    def loaded(self, planned: set[tuple[str, str]]) -> Counter[str]:
        """Those of them that arrived, by the ledger; few were refused or wait for their parent."""
        with closing(sqlite3.connect(self.folder / "ledger.sqlite")) as ledger:
            rows = ledger.execute("select entity, source_key, state from id_map").fetchall()
        states = {(entity, key): state for entity, key, state in rows}
        arrived = {one for one in planned if states.get(one) == "confirmed"}
        assert len(planned - arrived) < 0.1 * len(planned)
        others = {one for one, state in states.items() if state == "confirmed"} - planned
        assert not {one for one in others if one[0] in COUNTED}, "a record of another wave"
        return Counter(entity for entity, _ in arrived)


@pytest.fixture(scope="module")
def account(migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves") / "data"
    shutil.copytree(migrated.data_dir, folder, ignore=LEFT_OUT)
    info = process.up(folder / "sandbox", personas=40, seed=7, window_scale=600)
    with pytest.MonkeyPatch.context() as patch:
        variables = replace(migrated, data_dir=folder, sandbox=info).variables()
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
        patch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
        yield Account(folder, info)
    process.down(folder / "sandbox")


@pytest.fixture(autouse=True)
def in_force(account, monkeypatch, tmp_path):
    """The account's own variables in a repository of its own, whatever the shared fixtures set."""
    make(Silent(), "acme", parent=tmp_path, core=str(ROOT))
    monkeypatch.chdir(tmp_path / "acme")
    project = Path("dbt_project.yml")
    switched = "      store_settings:\n        +enabled: false\n"
    text = project.read_text(encoding="utf-8")
    assert text.count(switched) == 1
    more = switched.replace("store_settings", "waves")
    project.write_text(text.replace(switched, switched + more), encoding="utf-8")
    words = [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "deps"]
    subprocess.run(words, check=True, timeout=120)
    for name, value in account.info.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(account.folder))


@pytest.mark.long
def test_two_waves_are_loaded_verified_signed_off_and_the_second_taken_back(account):
    stores = account.ask(
        "select replace(org__source_key, 'aiq:store:', '') from marts.mart_persons"
        " where org__source_key is not null group by all order by count(*) desc, 1 limit 1"
    )
    seed = Path("seeds/decisions/waves.csv")
    seed.parent.mkdir(parents=True, exist_ok=True)
    header = (ROOT / seed).read_text(encoding="utf-8").strip()
    seed.write_text(f"{header}\n1,{stores[0][0]},,,opens first,Kim,2026-10-02\n", encoding="utf-8")
    account.run("plan")
    planned = account.planned()
    for wave in planned.values():
        assert {"person", "deal"} <= {entity for entity, _ in wave}

    # nothing of the second before the first is signed off
    account.run("apply", "--wave", "2", code=2)
    account.run("waves", "--sign-off", "1", "--by", "Kim", code=2)
    assert not account.there().total()

    account.run("apply", "--wave", "1", code=3)
    first = account.loaded(planned[1])
    assert account.there() == first
    account.run("apply", "--wave", "2", code=2)
    account.run("waves", "--sign-off", "1", code=2)
    verified = account.run("verify", code=2)
    gates = {row["gate"]: row["result"] for row in verified["tables"]["Gates"]}
    # totals differ as long as the second wave is to come; what arrived is as it should be
    red = {gate for gate, result in gates.items() if result == "RED"}
    assert "records that are still to be sent" in red
    shown = account.run("waves", code=3)["tables"]["Waves"]
    assert [(row["wave"], row["pending"] > 0) for row in shown] == [(1, False), (2, True)]
    account.run("waves", "--sign-off", "1", "--by", "Kim")

    account.run("apply", "--wave", "2")
    both = account.loaded(planned[1] | planned[2])
    assert account.there() == both
    assert both["person"] > first["person"]
    account.run("sweep")
    account.run("verify")
    assert account.run("waves", "--sign-off", "2", "--by", "Lee")["exit_code"] == 0
    shown = account.run("waves")["tables"]["Waves"]
    assert [(row["wave"], row["signed off by"]) for row in shown] == [(1, "Kim"), (2, "Lee")]

    # the second is taken back by itself; what carries nothing of the first goes whole
    looked = account.run("undo", "--wave", "2", "--dry-run")
    assert account.there() == both
    deletions = sum(row["rows"] for row in looked["tables"]["Planned"] if row["what"] == "delete")
    undone = account.run("undo", "--wave", "2", "--yes")
    assert account.there() == first
    done = {row["outcome"]: row["records"] for row in undone["tables"]["Done"]}
    assert done["deleted"] <= deletions
    assert account.run("apply", "--wave", "1", code=3)["facts"]["write calls"] == 0
