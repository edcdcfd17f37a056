"""20,000 generated contacts with every kind of dirt, built whole: nothing lost, nobody invented.

`pytest -s` prints what became of contacts and orders, and the reasons with their counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sandbox.generator import AccountSpec, build_account
from sandbox.generator.spec import audiences_of
from sandbox.landed import write

ROOT = Path(__file__).resolve().parents[2]
SPEC = AccountSpec(personas=20_000, seed=7, audiences=audiences_of(20_000))
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The build's log with all data tests, and the warehouse."""
    folder = tmp_path_factory.mktemp("large")
    write(build_account(SPEC), folder / "warehouse.duckdb")
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "build", "--selector", "build"),
        *("--exclude-resource-type", "unit_test", "--profiles-dir", str(ROOT / "profiles")),
    ]
    places = {
        "AIQ2PD_DATA_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **places}, capture_output=True, text=True, check=False
    )
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        yield done, warehouse


def test_every_law_holds_and_no_test_warns(built):
    done, _ = built
    assert done.returncode == 0, done.stdout[-3000:]
    assert "WARN=0 ERROR=0" in done.stdout


def test_every_contact_and_every_order_has_one_place_and_each_reason_says_what_to_do(built):
    _, warehouse = built
    contacts = dict(
        warehouse.execute(
            "select disposition, count(*) from intermediate.int_contacts_dispositioned group by 1"
        ).fetchall()
    )
    assert {"person", "merged", "hidden", "gone", "quarantined"} <= contacts.keys()
    known = warehouse.execute(
        "select count(*) from (select record_key from raw_alpine_iq.contacts"
        " union select record_key from raw_alpine_iq.hidden_contacts)"
    ).fetchone()[0]
    assert sum(contacts.values()) == known
    orders = dict(
        warehouse.execute(
            "select disposition, count(*) from intermediate.int_orders_dispositioned group by 1"
        ).fetchall()
    )
    rolled_up = warehouse.execute("select count(*) from intermediate.int_orders_rolled_up")
    assert sum(orders.values()) == rolled_up.fetchone()[0]
    reasons = warehouse.execute(
        "select rule, what_to_do, count(*) from (select rule, what_to_do from"
        " quarantine.quarantine_persons union all select rule, what_to_do from"
        " quarantine.quarantine_deals union all select rule, what_to_do from"
        " quarantine.quarantine_fields) group by all order by 3 desc"
    ).fetchall()
    shown = [f"contacts {known:,}: {contacts}", f"orders: {orders}"]
    shown += [f"{count:>7,} {rule}" for rule, _, count in reasons]
    sys.stdout.write("\n".join(["", *shown, ""]))
    assert len(reasons) >= 12
    assert [rule for rule, what_to_do, _ in reasons if not what_to_do] == []


def test_contacts_that_a_rule_merged_are_one_human_being_in_truth(built):
    _, warehouse = built
    truth = {
        bundle.persona.contact_id: bundle.persona.person for bundle in build_account(SPEC).bundles()
    }
    merged = warehouse.execute(
        "select contact_id, person_contact_id, rule from intermediate.int_contacts_matched"
        " where contact_id <> person_contact_id"
    ).fetchall()
    by_rule = [row for row in merged if row[2] != "merged_at_source"]
    assert len(by_rule) > 100
    assert [row for row in merged if truth[row[0]] != truth[row[1]]] == []
