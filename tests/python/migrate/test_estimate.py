"""The estimator, against the design's worked example and against what a sandbox run spent."""

from __future__ import annotations

import csv
from contextlib import closing

import duckdb
import pytest

from load.budget import FACTORS, TOKENS_PER_SEAT
from load.errors import ConfigError
from load.limits import CEILINGS
from load.progress import Silent
from migrate import account
from migrate import settings as all_settings
from migrate.demo import PHASES
from migrate.estimate import estimate, with_plan
from migrate.estimate.outcome import PLAN_TABLE, plot
from migrate.estimate.size import counted, given
from migrate.estimate.spending import spending, strategies
from migrate.places import mapping_seed
from migrate.settings import Settings
from sandbox import process


def test_what_is_counted_in_the_marts_costs_within_two_percent_of_what_the_run_spent(migrated):
    calls, tokens = migrated.spent
    estimated = spending(counted(migrated.data_dir / "warehouse.duckdb"))
    assert sum(each.tokens for each in estimated) == pytest.approx(tokens, rel=0.02)
    assert sum(each.calls for each in estimated) == pytest.approx(calls, rel=0.02)


@pytest.mark.long
@pytest.mark.parametrize(("seed", "personas"), [(11, 30), (23, 90), (5, 240)])
def test_other_accounts_than_the_fixture_spend_within_two_percent_of_their_estimate(
    seed, personas, data_dir, monkeypatch, spent
):
    info = process.up(data_dir / "sandbox", personas=personas, seed=seed, window_scale=600)
    try:
        settings = account.on_sandbox(info)
        for _, phase in PHASES:
            phase(settings, Silent())
    finally:
        process.down(data_dir / "sandbox")
    calls, tokens = spent(data_dir)
    estimated = spending(counted(data_dir / "warehouse.duckdb"))
    assert sum(each.tokens for each in estimated) == pytest.approx(tokens, rel=0.02)
    assert sum(each.calls for each in estimated) == pytest.approx(calls, rel=0.02)


def test_the_estimate_and_the_plan_call_the_ways_of_orders_by_the_same_names(migrated):
    with closing(duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True)) as db:
        planned = db.execute("select strategy from plan.plan_strategies").fetchall()
    assert {each.name for each in strategies(given(10, 100, 3))} == {name for (name,) in planned}


def test_the_loader_and_the_plan_know_the_same_limits_of_each_plan():
    with mapping_seed("plan_limits.csv").open(encoding="utf-8", newline="") as lines:
        rows = {row["plan_name"]: row for row in csv.DictReader(lines)}
    assert {name: int(row["daily_tokens_per_seat"]) for name, row in rows.items()} == {
        name: TOKENS_PER_SEAT * factor for name, factor in FACTORS.items()
    }
    assert {name: int(row["burst_requests"]) for name, row in rows.items()} == CEILINGS


def test_the_worked_example_of_300000_orders_needs_some_six_and_a_half_million_tokens():
    size = given(100_000, 300_000, 3)
    by_purpose = {each.purpose: each.tokens for each in spending(size)}
    assert by_purpose["persons"] + by_purpose["deals"] + by_purpose["lines"] == 6_500_000
    outcome = estimate(Settings(), Silent(), size=size, seat_price=None)
    assert 27 < outcome.facts["days"] < 28  # 21.7 of the whole budget, of which we take 0.8


def test_half_a_line_on_average_is_shared_out_between_orders_with_two_and_three():
    assert given(1, 10, 2.5).lines_per_order == {2: 5, 3: 5}
    assert given(1, 10, 2.5).lines == 25


def test_every_strategy_says_what_it_costs_and_what_reporting_loses():
    found = {each.name: each for each in strategies(given(10, 100, 3))}
    assert found["archived_waves"].tokens == found["all_deals"].tokens + 500
    assert found["archived_waves"].calls == found["all_deals"].calls + 100
    assert found["archived_waves"].deals == 0
    assert found["lines_as_text"].tokens < found["all_deals"].tokens
    assert found["recent_deals"].deals < 100
    assert all(each.reporting_lost for each in found.values())


def test_every_strategy_has_its_days_every_plan():
    outcome = estimate(Settings(), Silent(), size=given(100_000, 300_000, 3), seat_price=None)
    by_plan = next(table for table in outcome.tables if table.title == PLAN_TABLE).records()
    days = {row["plan"]: row["days"] for row in by_plan if row["seats"] == 5}
    ways = next(table for table in outcome.tables if table.title == "Order strategies").records()
    assert len(ways) == 4
    # all orders as deals is what the table by plan and seats counts
    assert {plan: ways[0][f"days_{plan}"] for plan in days} == pytest.approx(days, abs=0.01)
    assert all(way["days_lite"] > way["days_ultimate"] > 0 for way in ways)


def test_the_break_even_of_a_seat_is_its_price_over_the_days_it_saves():
    outcome = estimate(Settings(), Silent(), size=given(100_000, 300_000, 3), seat_price=50)
    table = next(t for t in outcome.tables if t.title == "Buying seats for a month")
    row = table.records()[0]
    assert row["price"] == 250
    assert row["break_even_value_of_a_day"] == pytest.approx(250 / row["days_saved"], rel=0.01)


def test_the_plot_shows_each_plan_with_its_days():
    outcome = estimate(Settings(), Silent(), size=given(100, 300, 3), seat_price=None)
    drawn = str(plot(next(table for table in outcome.tables if table.title == PLAN_TABLE)))
    assert drawn.startswith("<figure><svg")
    assert "ultimate, 5 seats" in drawn


def test_without_numbers_and_without_data_it_says_what_to_give(data_dir):
    with pytest.raises(ConfigError, match="--contacts, --orders and --lines"):
        estimate(all_settings.read(), Silent(), size=None, seat_price=None)


def test_a_plan_that_pipedrive_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="no such plan"):
        with_plan(Settings(), "gold", None)
