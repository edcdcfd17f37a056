"""Tokens and time: what was forecast beside what was spent."""

from __future__ import annotations

import json
from dataclasses import dataclass

from markupsafe import Markup

from migrate.history import Step
from migrate.outcome import Cell, Table
from migrate.places import Places
from migrate.report import queries
from migrate.report.plots import Bar, bars
from migrate.summaries import Warehouse


@dataclass(frozen=True, slots=True)
class Cost:
    """`of_forecast`: tokens of all applied plans against their forecast; None before an apply."""

    tables: tuple[Table, ...]
    plot: Markup
    of_forecast: float | None


def measure(warehouse: Warehouse, where: Places, steps: list[Step]) -> Cost:
    """From the frozen plans, the ledger as published, and the steps' files."""
    against = _against_forecast(where, warehouse)
    spent = warehouse.table("Tokens spent, by what they were spent on", queries.TOKENS)
    runs = warehouse.table("Runs", queries.RUNS)
    times = Table(
        "Time",
        ("step", "ended", "seconds", "exit_code", "result"),
        tuple((s.name, s.ended_at, s.seconds, s.exit_code, s.headline) for s in steps),
    )
    longest = max((step.seconds for step in steps), default=0.0)
    rows = [Bar(s.name, s.seconds, longest, f"{s.seconds:.1f} s") for s in steps]
    applied = [row for row in against.records() if row["tokens_spent"]]
    forecast = sum(_number(row["tokens_forecast"]) for row in applied)
    spent_on_them = sum(_number(row["tokens_spent"]) for row in applied)
    return Cost(
        (against, runs, spent, times),
        bars("Seconds by step", "How long each step took.", rows),
        spent_on_them / forecast if forecast else None,
    )


def on_other_plans(warehouse: Warehouse, where: Places) -> tuple[tuple[Table, ...], Markup]:
    """Days of the whole migration by plan and seats, at the share of a day that the plan used;
    nothing before a build."""
    found = warehouse.table("Totals", queries.BUDGET).records()
    if not found:
        return (), Markup("")
    from migrate.estimate.outcome import by_plan, plot
    from migrate.estimate.size import counted
    from migrate.estimate.spending import plan_limits, spending

    ours = found[0]
    seats = int(_number(ours["seats"]))
    limits = next(each for each in plan_limits() if each.name == ours["plan_name"])
    size = counted(where.warehouse)
    table = by_plan(
        sum(each.tokens for each in spending(size)),
        size.orders,
        seats=seats,
        share=_number(ours["tokens_per_day"]) / limits.tokens_per_day(seats, 1.0),
    )
    return (table,), plot(table)


def _against_forecast(where: Places, warehouse: Warehouse) -> Table:
    runs = warehouse.table("Applied", queries.APPLIED)
    spent = {row["plan"]: row for row in runs.records()}
    manifests = [
        json.loads(file.read_text(encoding="utf-8")) for file in where.plans.glob("*/manifest.json")
    ]
    rows: list[tuple[Cell, ...]] = []
    for plan in sorted(manifests, key=lambda manifest: str(manifest["created_at"])):
        found = spent.get(plan["digest"], {})
        tokens = found.get("tokens")
        share = _number(tokens) / plan["tokens"] if tokens and plan["tokens"] else None
        rows.append(
            (
                *(plan["digest"], str(plan["created_at"])[:19], plan["calls"], found.get("calls")),
                *(plan["tokens"], tokens, share, _days(warehouse, where, plan["digest"])),
                found.get("seconds"),
            )
        )
    columns = (
        *("plan", "frozen_at", "calls_forecast", "calls_made", "tokens_forecast"),
        *("tokens_spent", "of_forecast", "days_forecast", "seconds_applying"),
    )
    return Table("Each plan against its forecast", columns, tuple(rows))


def _days(warehouse: Warehouse, where: Places, digest: str) -> Cell:
    """Days on this account's budget, as the plan said when it was frozen."""
    file = where.plans / digest / "plan_totals.parquet"
    if not file.is_file():
        return None
    row = warehouse.connection.execute(
        "select days_at_budget::double from read_parquet(?)", [str(file)]
    ).fetchone()
    return None if row is None else row[0]


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
