"""A plan whose records have other keys than those that were loaded stops before it is frozen."""

from __future__ import annotations

import json
from contextlib import closing

import duckdb
from typer.testing import CliRunner

from migrate.cli import app


def test_keys_that_vanish_while_others_appear_stop_the_plan_and_nothing_is_frozen(
    migrated_copy, monkeypatch
):
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    plans = migrated_copy.data_dir / "plans"
    frozen = set(plans.iterdir())
    with closing(duckdb.connect(str(migrated_copy.data_dir / "warehouse.duckdb"))) as warehouse:
        # as if a mistake in a rule gave products other keys
        changed = warehouse.execute(
            "update marts.mart_products set source_key = source_key || ':v2', "
            "migration_key__c = source_key || ':v2' "
            "where source_key in (select source_key from marts.mart_products order by 1 limit 3)"
        ).fetchall()
    assert changed == [(3,)]
    ended = CliRunner().invoke(app, ["plan", "--json"])
    assert ended.exit_code == 4
    headline = json.loads(ended.stdout)["headline"]
    assert "product: 3 of" in headline
    assert "3 are new" in headline
    assert "plan.plan_key_continuity" in headline
    assert set(plans.iterdir()) == frozen
