"""No plan is frozen from half a build: what failed or never ran is named first."""

from __future__ import annotations

import json
from contextlib import closing

import duckdb
import pytest
from typer.testing import CliRunner

from load.errors import ConfigError
from migrate.cli import app
from migrate.completeness import build_is_whole

TEST = "assert_points_are_kept"


def test_a_test_of_the_marts_that_failed_stops_the_plan_until_it_passes(migrated_copy, monkeypatch):
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    warehouse = migrated_copy.data_dir / "warehouse.duckdb"
    plans = migrated_copy.data_dir / "plans"
    frozen = set(plans.iterdir())
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute(
            "update marts.mart_persons set loyalty_points__c = loyalty_points__c + 1"
        )
    assert CliRunner().invoke(app, ["build", "--select", TEST]).exit_code == 2
    ended = CliRunner().invoke(app, ["plan", "--json"])
    assert ended.exit_code == 2
    assert f"{TEST} (fail)" in json.loads(ended.stdout)["headline"]
    assert set(plans.iterdir()) == frozen


def test_what_a_killed_run_left_undone_is_counted_and_red_gates_of_verify_are_not(tmp_path):
    warehouse = tmp_path / "warehouse.duckdb"
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute(
            "create schema builds; create table builds.unfinished_nodes as select 'm' || n as node,"
            " 'm' || n as name, n = 0 as is_of_reconciliation, 'not finished' as status"
            " from range(8) as numbers (n)"
        )
    with pytest.raises(ConfigError, match=r"m1 \(not finished\), .* and 2 more"):
        build_is_whole(warehouse)
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute("delete from builds.unfinished_nodes where not is_of_reconciliation")
    build_is_whole(warehouse)
