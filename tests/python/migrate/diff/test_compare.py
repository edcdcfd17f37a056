"""Two warehouses side by side, without building a revision."""

from __future__ import annotations

from contextlib import closing

import duckdb
import pytest

from load.errors import ConfigError
from migrate.diff.compare import compare


def without(warehouse, table):
    with closing(duckdb.connect(str(warehouse))) as connection:
        kind = "view" if table == "plan_deals" else "table"
        connection.execute(f"drop {kind} plan.{table} cascade")


def test_a_revision_that_plans_no_activities_yet_is_compared_all_the_same(migrated, migrated_copy):
    older = migrated_copy.data_dir / "warehouse.duckdb"
    without(older, "plan_activities")
    found = compare(older, migrated.data_dir / "warehouse.duckdb")
    differing = [table for table in found.tables if table.columns[0] != "what"]
    assert len(differing) > 2
    assert [table.title for table in differing if table.rows] == []
    (totals,) = (table for table in found.tables if table.columns[0] == "what")
    assert {before == now for _, before, now in totals.rows} == {True}


def test_a_revision_without_a_plan_of_persons_is_refused(migrated, migrated_copy):
    older = migrated_copy.data_dir / "warehouse.duckdb"
    without(older, "plan_persons")
    with pytest.raises(ConfigError, match="no plan models of today's shape"):
        compare(older, migrated.data_dir / "warehouse.duckdb")
