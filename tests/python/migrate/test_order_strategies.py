"""Order strategies by the commands, on an account with too little room for all orders as deals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from load.plan import latest_plan
from load.progress import Silent
from migrate import account, steps
from sandbox import door, process

from . import commands
from .commands import LONGEST

CAP = 5_000
FREE = 70


class Account(commands.Account):
    """The strategies' own account."""

    def killed(self, point: str) -> int:
        """`apply` in a process of its own, killed at a named point. Gives its exit code."""
        command = [Path(sys.executable).with_name("aiq2pd"), "apply"]
        done = subprocess.run(
            command,
            env=os.environ | {"LOAD_CRASHPOINT": point},
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        return done.returncode

    def deals(self) -> list[dict[str, Any]]:
        """Live deals with a migration key, by the service's own dump."""
        dump = door.get_text(self.info.pipedrive_url, "records").splitlines()
        found = [json.loads(line) for line in dump if line]
        return [
            one
            for one in found
            if one["entity"] == "deal"
            and not one["deleted"]
            and any(
                str(value).startswith("aiq:") for value in one["record"]["custom_fields"].values()
            )
        ]

    def held(self, entity: str) -> int:
        """Records of an entity that we made and that are there, by the ledger's copy."""
        sql = (
            f"select count(*) from ledger.id_map where entity = '{entity}' and state = 'confirmed'"
        )
        return int(self.ask(sql)[0][0])

    def texts(self, column: str) -> list[str]:
        """What the deals hold in a field of ours."""
        ((code,),) = self.ask(
            f"select field_code from ledger.field_codes where column_name = '{column}'"
        )
        held = [one["record"]["custom_fields"].get(code) for one in self.deals()]
        return [text for text in held if text]

    def spent(self) -> int:
        """Tokens that the service has counted so far."""
        return int(door.get(self.info.pipedrive_url, "stats")["tokens"])

    def starting(self) -> int:
        """Tokens that each start of a load costs by the plan: its preflight and its first look."""
        ((tokens,),) = self.ask(
            "select sum(tokens)::bigint from plan.plan_readings where purpose in"
            " ('preflight', 'apply')"
        )
        return int(tokens)

    def forecast_holds(self, before: int, *, starts: int = 1) -> None:
        """What the plan said of tokens, against what the service counted since: within 2 %."""
        ((planned,),) = self.ask("select sum(tokens)::bigint from plan.plan_summary")
        spent = self.spent() - before
        planned += (starts - 1) * self.starting()
        assert abs(spent - planned) <= 0.02 * spent, (spent, planned)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """A small account, landed; its company has deals of others and few free places."""
    folder = tmp_path_factory.mktemp("strategies") / "data"
    info = process.up(
        folder / "sandbox", personas=40, seed=7, window_scale=600, plan="growth", seats=1
    )
    try:
        door.post(info.pipedrive_url, "snapshot", {"name": "empty"})
        door.post(info.pipedrive_url, "fill", {"entity": "deal", "count": CAP - FREE})
        door.post(info.pipedrive_url, "snapshot", {"name": "before"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIQ2PD_DATA_DIR", str(folder))
            patch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
            patch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
            steps.extract_source(account.on_sandbox(info), Silent())
        yield folder, info
    finally:
        process.down(folder / "sandbox")


@pytest.fixture
def small(extracted, tmp_path, monkeypatch):
    """The landed account in a folder of its own, before the company as it was."""
    folder, info = extracted
    own = tmp_path / "data"
    shutil.copytree(folder, own, ignore=shutil.ignore_patterns("sandbox"))
    door.post(info.pipedrive_url, "restore", {"name": "before"})
    for name, value in info.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(own))
    return Account(own, info)


@pytest.mark.long
def test_deals_are_archived_in_waves_a_kill_among_them_and_an_undo_leave_nothing_behind(
    small, monkeypatch
):
    monkeypatch.setenv("AIQ2PD_ORDER_STRATEGY", "archived_waves")
    small.run("build")
    planned = small.run("plan", "--read-back")
    assert len(planned["tables"]) > 1
    ((waves, most),) = small.ask(
        "select count(distinct wave), max(deals) from (select wave, count(*) as deals"
        " from plan.plan_deals where action = 'create' group by wave)"
    )
    assert waves > 1
    assert most <= FREE
    before = small.spent()
    assert small.killed("archive.after_answer:deal#40") == -signal.SIGKILL
    small.run("apply", code=3)
    deals = small.deals()
    closed = [one for one in deals if one["record"]["status"] in ("won", "lost")]
    archived = [one for one in deals if one["archived"]]
    assert len(deals) > FREE
    assert 0 <= len(closed) - len(archived) <= 3
    small.run("sweep")
    # the kill costs a second start, and a look at the deal in doubt
    small.forecast_holds(before, starts=2)
    assert small.run("apply", code=3)["facts"]["write calls"] == 0
    verified = small.run("verify")
    assert verified["facts"]
    assert "0 violations" in small.check()
    again = small.run("plan")
    assert again["facts"]["tokens"] == 0
    # nobody can take an archived deal back by the API: another strategy leaves it as it is
    monkeypatch.setenv("AIQ2PD_ORDER_STRATEGY", "all_deals")
    small.run("build")
    assert small.run("plan")["facts"]["tokens"] == 0
    assert small.ask("select count(*) from plan.plan_deals where reason = 'archived'") == [(0,)]
    small.run("undo", "--all", "--fields", "--yes")
    assert door.post(small.info.pipedrive_url, "compare", {"name": "before"})["equal"]


@pytest.mark.long
def test_a_strategy_that_fits_neither_cap_nor_calendar_stops_the_plan_and_the_cap_alone_the_load(
    small, monkeypatch
):
    small.run("build")
    monkeypatch.setenv("AIQ2PD_CALENDAR_DAYS", "0.001")
    told = small.run("plan", "--read-back", code=2)
    assert "all_deals fits neither the cap" in told["headline"]
    assert "more seats" in told["headline"]
    assert latest_plan(small.folder / "plans") is None
    monkeypatch.setenv("AIQ2PD_CALENDAR_DAYS", "30")
    small.run("plan")
    told = small.run("apply", code=2)
    assert "deal_cap" in told["headline"]
    (why,) = [row["why"] for row in told["tables"]["Preflight"] if row["gate"] == "deal_cap"]
    assert "choose another order strategy" in why
    assert door.post(small.info.pipedrive_url, "compare", {"name": "before"})["equal"]


@pytest.mark.long
def test_a_sample_that_is_taken_back_leaves_nothing(small):
    small.run("build")
    small.run("plan", "--read-back")
    small.run("apply", "--sample", "10", "--waive", "deal_cap")
    held = len(small.deals())
    assert held > 0
    small.run("undo", "--all", "--fields", "--yes")
    assert small.deals() == []
    assert door.post(small.info.pipedrive_url, "compare", {"name": "before"})["equal"]


@pytest.mark.long
def test_lines_cross_as_a_text_of_their_deal_and_become_lines_when_somebody_decides_so(
    small, monkeypatch
):
    door.post(small.info.pipedrive_url, "restore", {"name": "empty"})
    monkeypatch.setenv("AIQ2PD_ORDER_STRATEGY", "lines_as_text")
    small.run("build")
    small.run("plan", "--read-back")
    before = small.spent()
    small.run("apply", code=3)
    small.run("sweep")
    small.forecast_holds(before)
    ((lines, orders),) = small.ask(
        "select count(*), count(distinct order_source_key) from intermediate.int_order_lines_priced"
        " inner join intermediate.int_orders_dispositioned as orders"
        " on order_source_key = orders.source_key where disposition = 'deal'"
    )
    texts = [json.loads(text) for text in small.texts("order_lines__c")]
    assert (sum(map(len, texts)), len(texts)) == (lines, orders)
    assert lines > orders > 0
    assert small.held("deal_product") == small.held("product") == 0
    assert small.ask("select sum(rows) from plan.plan_summary where entity = 'line'") == [(lines,)]
    assert small.run("verify")["facts"]
    assert "0 violations" in small.check()
    assert small.run("apply", code=3)["facts"]["write calls"] == 0
    monkeypatch.setenv("AIQ2PD_ORDER_STRATEGY", "all_deals")
    small.run("build")
    small.run("plan")
    small.run("apply", code=3)
    assert small.texts("order_lines__c") == []
    assert small.held("deal_product") == lines
    # what has lines by now keeps them
    monkeypatch.setenv("AIQ2PD_ORDER_STRATEGY", "lines_as_text")
    small.run("build")
    assert small.run("plan")["facts"]["tokens"] == 0
    small.run("undo", "--all", "--fields", "--yes")
    assert door.post(small.info.pipedrive_url, "compare", {"name": "empty"})["equal"]
