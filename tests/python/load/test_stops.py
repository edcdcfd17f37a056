"""Limits, refusals, interruptions: the run stops cleanly and goes on where it was."""

from __future__ import annotations

import json
import os
import stat

import duckdb
import pytest

from load.errors import AccessRefused, ConfigError, RetryLater, TargetChanged
from load.ledger import Ledger, publish


def test_a_used_up_budget_stops_with_75_and_the_next_day_finishes(loader, company, worlds):
    world = worlds.small()
    company.config(daily_budget=170)
    loader.budget_share = 1.0
    first = loader.apply(world)
    assert first.exit_code == 75
    company.config(daily_budget=None)
    assert 0 < len(company.records("/api/v2/persons")) + len(company.records("/api/v2/deals")) < 20
    with loader.ledger() as ledger, ledger.transaction() as db:
        db.execute("update token_use set day = '2020-01-01'")
    assert loader.apply(world).exit_code == 0
    assert loader.apply(world).writes == 0


def test_one_bad_record_is_quarantined_with_its_children_and_the_rest_goes_on(
    loader, company, worlds
):
    world = worlds.small(persons=4, deals=4)
    world.payloads["person"]["aiq:contact:1"]["emails"] = "not a list"
    result = loader.apply(world)
    assert result.exit_code == 3
    assert loader.states("person")["aiq:contact:1"] == "quarantined"
    assert loader.states("deal")["aiq:order:1"] == "quarantined"
    assert loader.states("note")["aiq:note:1"] == "quarantined"
    with loader.ledger() as ledger:
        rows = ledger.db.execute("select reason_code, reason from quarantine").fetchall()
    assert {row["reason_code"] for row in rows} >= {"parent"}
    assert "not a list" not in json.dumps([tuple(row) for row in rows])
    assert len(company.records("/api/v2/persons")) == 3
    assert loader.apply(world).writes == 0


def test_one_bad_line_of_a_bulk_call_does_not_keep_the_others_out(loader, company, worlds):
    world = worlds.small(persons=1, deals=1, lines=(6,))
    world.payloads["deal_product"]["aiq:line:0:2"]["quantity"] = "two"
    result = loader.apply(world)
    assert result.exit_code == 3
    states = loader.states("deal_product")
    assert states.pop("aiq:line:0:2") == "quarantined"
    assert set(states.values()) == {"confirmed"}


def test_a_deal_whose_lines_do_not_add_up_is_reported(loader, worlds):
    world = worlds.small(persons=1, deals=2, lines=(2,))
    world.payloads["deal"]["aiq:order:1"]["value"] = 99.0
    result = loader.apply(world)
    assert result.value_differences == ("aiq:order:1",)
    assert result.exit_code == 3


def test_a_field_of_our_name_with_another_type_stops_before_anything_is_written(
    loader, company, worlds
):
    company.ask("POST", "/api/v2/personFields", {"field_name": "Points", "field_type": "varchar"})
    before = company.writes()
    with pytest.raises(ConfigError, match="Points"):
        loader.apply(worlds.small(deals=0))
    assert len(company.records("/api/v2/persons")) == 0
    assert company.writes() == before


def test_too_many_custom_fields_for_the_plan_stop_before_the_first_write(
    new_company, new_loader, worlds
):
    loader = new_loader(new_company(plan="lite"), plan="lite")
    world = worlds.small(deals=0)
    world.fields += [
        ("person", f"extra{n}__c", f"Extra {n}", "varchar", False, "source_wins") for n in range(30)
    ]
    with pytest.raises(ConfigError, match="exceed the 30"):
        loader.apply(world)
    assert loader.company.writes() == 0


def test_another_company_is_refused(loader, worlds):
    world = worlds.small(deals=0)
    world.company_id = 1
    with pytest.raises(ConfigError, match="the plan is for company 1"):
        loader.apply(world)
    assert loader.company.writes() == 0


def test_a_second_run_is_refused_with_the_first_ones_pid(loader, worlds):
    world, mine = worlds.small(deals=0), f"pid {os.getpid()}"
    with loader.ledger() as ledger, ledger.exclusive(), pytest.raises(RetryLater, match=mine):
        loader.apply(world)


def test_a_dry_run_sends_no_write_and_says_what_it_would_send(loader, company, worlds):
    result = loader.apply(worlds.small(), dry_run=True, read_only=True)
    assert result.counts["person"] == {"would create": 12}
    assert result.counts["field"]["would create"] >= 8
    assert company.writes() == 0


def test_a_refused_token_stops_at_once_and_is_no_quarantine(loader, company, worlds):
    world = worlds.small(deals=0)
    company.config(account_open=False)
    with pytest.raises(AccessRefused):
        loader.apply(world)
    company.config(account_open=True)
    assert loader.apply(world).exit_code == 0


def test_a_field_deleted_between_runs_is_reported_not_made_again(loader, company, worlds):
    world = worlds.small(deals=0)
    assert loader.apply(world).exit_code == 0
    with loader.ledger() as ledger:
        code = ledger.db.execute(
            "select field_code from field_codes where column_name = 'points__c'"
        ).fetchone()[0]
    company.ask("DELETE", f"/api/v2/personFields/{code}")
    with pytest.raises(TargetChanged, match="Points"):
        loader.apply(world)


def test_a_locked_warehouse_delays_publishing_and_nothing_else(loader, worlds, tmp_path):
    assert loader.apply(worlds.small(persons=2, deals=1)).exit_code == 0
    warehouse = tmp_path / "warehouse.duckdb"
    script = (
        "import duckdb, sys, time\n"
        f"connection = duckdb.connect({str(warehouse)!r})\n"
        "print('open', flush=True)\ntime.sleep(60)\n"
    )
    import subprocess
    import sys

    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "open\n"
        with loader.ledger() as ledger:
            assert publish(ledger, warehouse) is False
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    with loader.ledger() as ledger:
        assert publish(ledger, warehouse) is True
        assert publish(ledger, warehouse) is True
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select state, count(*) from ledger.id_map where entity = 'person' group by all"
        ).fetchall()
        columns = connection.execute("select * from ledger.token_use").description
    assert rows == [("confirmed", 2)]
    assert [column[0] for column in columns] == [
        "day",
        "run_id",
        "entity",
        "endpoint",
        "calls",
        "tokens",
    ]


def test_the_ledger_is_private_and_backed_up_when_a_run_starts(loader, worlds):
    loader.apply(worlds.small(persons=1, deals=0))
    path = loader.ledger_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    backups = list((path.parent / "ledger_backups").glob("*.sqlite"))
    assert len(backups) == 1
    with Ledger.open(path, "another key") as ledger:
        assert ledger.check_events() >= 3
        assert b"p0@example.com" not in path.read_bytes()


def test_an_automation_that_rewrites_new_records_stops_the_load(loader, company, worlds):
    world = worlds.small(persons=8, deals=4)
    company.config(automation={"entity": "person", "changes": {"name": "Renamed"}})
    with pytest.raises(TargetChanged, match=r"others changed 8 of the 8 .*waive foreign_changes"):
        loader.apply(world)
    assert company.records("/api/v2/deals") == []
    assert loader.apply(world).counts["person"] == {"unchanged": 8}
