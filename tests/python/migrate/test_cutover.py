"""The gates of the cutover: what each says about a migrated account, who may waive it, the log."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import duckdb
import pytest
from typer.testing import CliRunner

from load.ledger import Ledger, publish
from migrate import cutover
from migrate.cli import app
from migrate.cutover import Answer
from migrate.drift import found_in


@pytest.fixture
def account(migrated_copy, monkeypatch):
    """The migrated account, in force."""
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    return migrated_copy


def dry_run():
    ended = CliRunner().invoke(app, ["cutover", "--dry-run", "--json"])
    answer = json.loads(ended.stdout)
    # before the cutover the age of each field that only a call per contact gives is reported
    ages = {row["field"]: row for row in answer["tables"]["Ages of details, UTC"]}
    assert {"Birth date", "Medical ID", "Address"} <= ages.keys()
    assert all(row["oldest"] and row["contacts"] for row in ages.values())
    return ended.exit_code, {row["gate"]: row for row in answer["tables"]["Gates"]}


def events(account) -> int:
    with closing(sqlite3.connect(account.data_dir / "ledger.sqlite")) as ledger:
        return int(ledger.execute("select count(*) from events").fetchone()[0])


def test_a_dry_run_judges_what_is_there_and_writes_nothing(account):
    before = events(account)
    code, gates = dry_run()
    assert code == 2
    states = {name: row["state"] for name, row in gates.items()}
    assert states == {
        "source_frozen": "red",
        "details_fresh": "green",
        "steps_in_order": "green",
        "verify_green": "green",
        "consent": "green",
        "exceptions_signed_off": "red",
        "documents": "red",
        "undo_affordable": "green",
        "integration_disabled": "waived",
    }
    assert gates["source_frozen"]["found"] == "read only once"
    assert events(account) == before


def test_gates_turn_red_with_what_they_ask_about(account, monkeypatch):
    monkeypatch.setenv("AIQ2PD_UNDO_MAX_DAYS", "0.0001")
    (account.data_dir / "steps" / "sweep.json").unlink()
    with closing(duckdb.connect(str(account.data_dir / "warehouse.duckdb"))) as warehouse:
        warehouse.execute("update discovery.disc_detail_ages set older_than_a_day = 3")
        warehouse.execute("update reconciliation.rec_consent_counts set persons_raised = 1")
    code, gates = dry_run()
    assert code == 70
    red = {name for name, row in gates.items() if row["state"] == "red"}
    assert red >= {
        "details_fresh",
        "steps_in_order",
        "verify_green",
        "consent",
        "undo_affordable",
    }
    assert gates["details_fresh"]["found"].startswith("3 contacts")


@pytest.fixture
def waivers(tmp_path, monkeypatch):
    """A seed of waivers of the test's own."""
    folder = tmp_path / "project" / "seeds" / "decisions"
    folder.mkdir(parents=True)
    monkeypatch.setattr(cutover, "decision_seed", lambda name: folder / name)

    def write(*rows: str) -> None:
        text = "test_name,reason,waived_by,waived_until\n" + "".join(f"{row}\n" for row in rows)
        (folder / "test_waivers.csv").write_text(text)

    return write


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ("cutover.documents,they are printed,Kim,2999-01-01", "waived"),
        ("cutover.documents,they are printed,Kim,2020-01-01", "red"),
        ("documents,another check,Kim,2999-01-01", "red"),
    ],
)
def test_a_waiver_needs_the_gates_name_and_a_day_that_is_not_over(waivers, row, state):
    waivers(row)
    answer = cutover._waived(Answer("documents", "red", "none"))
    assert answer.state == state
    assert ("Kim" in answer.found) == (state == "waived")


def test_consent_is_never_waived(waivers):
    waivers("cutover.consent,it will be fine,Kim,2999-01-01")
    assert cutover._waived(Answer("consent", "red", "see verify")).state == "red"


def test_the_log_is_a_table_out_of_a_chain_that_is_unbroken(account, monkeypatch):
    from migrate.account import in_force

    cutover._log(in_force(), (Answer("documents", "red", "none"), Answer("consent", "green", "")))
    with Ledger.open(account.data_dir / "ledger.sqlite", "any key") as ledger:
        assert ledger.check_events() == events(account)
        assert publish(ledger, account.data_dir / "warehouse.duckdb")
    with closing(duckdb.connect(str(account.data_dir / "warehouse.duckdb"))) as warehouse:
        logged = warehouse.execute(
            "select gate_name, gate_state from staging.stg_ledger__cutover_gates order by seq"
        ).fetchall()
    assert logged == [("documents", "red"), ("consent", "green")]


def test_drift_finds_a_still_account_still_and_names_what_moved(migrated_copy):
    file = migrated_copy.data_dir / "warehouse.duckdb"
    still = found_in(file)
    assert (still.exit_code, still.headline) == (0, "the source stands still")
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(
            "update plan.plan_persons set action = 'update', "
            "changed_fields = ['points__c', 'name'] "
            "where source_key = (select min(source_key) from plan.plan_persons)"
        )
    moved = found_in(file)
    assert moved.exit_code == 3
    by_entity, fields = moved.tables
    person = next(row for row in by_entity.records() if row["entity"] == "person")
    assert person["changed_at_source"] == 1
    assert [row["field"] for row in fields.records()] == ["name", "points__c"]
