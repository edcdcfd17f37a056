"""Status: from the ledger alone, also while a load holds it."""

from __future__ import annotations

import os

from load.ledger import Ledger
from load.progress import Silent
from migrate.history import record
from migrate.outcome import Outcome
from migrate.places import Places
from migrate.status import read_status


def a_ledger(data_dir):
    data_dir.mkdir()
    ledger = Ledger.open(data_dir / "ledger.sqlite", "key")
    ledger.start_run("apply", plan_digest="abc", code_version="1")
    return ledger


def test_nothing_yet_is_said_with_the_next_step():
    outcome = read_status(Silent())
    assert outcome.exit_code == 0
    assert "nothing has run yet" in outcome.headline
    assert "aiq2pd demo" in outcome.notes[0]


def test_a_running_load_is_seen_while_it_holds_the_ledger(data_dir):
    with a_ledger(data_dir) as ledger, ledger.exclusive():
        outcome = read_status(Silent())
    assert outcome.facts["ended"] == f"running, pid {os.getpid()}"


def test_a_load_that_was_cut_off_is_told_from_one_that_runs(data_dir):
    with a_ledger(data_dir):
        pass
    assert "cut off" in str(read_status(Silent()).facts["ended"])


def test_steps_appear_in_the_order_of_a_migration(data_dir):
    data_dir.mkdir()
    places = Places(data_dir)
    for name in ("build", "extract"):
        record(places, Outcome(name, f"{name} went well"), seconds=1.5)
    outcome = read_status(Silent())
    assert [row[0] for row in outcome.tables[0].rows] == ["extract", "build"]
    assert "build went well" in outcome.headline
