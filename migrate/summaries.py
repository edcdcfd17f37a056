"""Small tables out of the warehouse, for the ends of commands and for the report.

Opens the warehouse read-only and closes it again at once, so that others get it. A table that is
not there yet gives no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from load.warehouse import connect
from migrate.outcome import Cell, Table
from migrate.places import Places

PLAN: Final = (
    "Planned",
    "select entity, action, reason, rows, calls, tokens from plan.plan_summary order by 1, 2, 3",
)
TOTALS: Final = "select * from plan.plan_totals"
READ_AT: Final = (
    "select strftime(max(fetched_at) at time zone 'UTC', '%Y-%m-%dT%H:%M:%S+00:00') "
    "from raw_alpine_iq.extraction_runs"
)
STRATEGIES: Final = (
    "Ways for orders to cross",
    (
        "select strategy, tokens, days, deals_at_most, deal_cap, fits_cap, fits_calendar, "
        "is_chosen, is_recommended, reporting_lost "
        "from plan.plan_strategies order by tokens desc"
    ),
)
HISTORY: Final = (
    "Ways for points and campaigns of the past to cross",
    (
        "select way, policy_name as policy, is_chosen, calls, tokens, days, undo_tokens "
        "from plan.plan_history_ways order by tokens"
    ),
)
MATCHES: Final = (
    "Records that others made and that may be the same",
    (
        "select entity, rule, reason, is_adopted as adopted, count(*) as pairs "
        "from plan.plan_adoptions group by all order by all"
    ),
)
RECONCILIATION: Final = (
    (
        "Counts by phase",
        (
            "select entity, eligible, quarantined, expected, confirmed, in_destination, missing, "
            "extra, difference from reconciliation.rec_counts order by phase"
        ),
    ),
    (
        "The five dimensions",
        (
            "select dimension, source_count, destination_count, difference, verdict "
            "from reconciliation.rec_dimensions order by dimension_order"
        ),
    ),
    (
        "Fields compared",
        (
            "select verdict, sum(record_count)::bigint as values from "
            "reconciliation.rec_field_comparison group by verdict order by 2 desc"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """An open warehouse, asked with plain SQL."""

    connection: duckdb.DuckDBPyConnection

    def table(self, title: str, sql: str) -> Table:
        """The rows of a query as a table for people."""
        try:
            found = self.connection.execute(sql)
        except duckdb.CatalogException:
            return Table(title, (), ())
        columns = tuple(column[0] for column in found.description or ())
        return Table(title, columns, tuple(tuple(map(_cell, row)) for row in found.fetchall()))

    def has(self, schema: str, table: str) -> bool:
        """Whether the table or view is there."""
        found = self.connection.execute(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        )
        return found.fetchone() is not None

    def number(self, sql: str) -> float:
        """The one number of a query."""
        row = self.connection.execute(sql).fetchone()
        value = row[0] if row else None
        return float(value) if isinstance(value, Decimal) else (value or 0)


@contextmanager
def open_warehouse(file: Path) -> Iterator[Warehouse]:
    """Open for as long as the block lasts."""
    with closing(connect(file, read_only=True)) as connection:
        yield Warehouse(connection)


def source_read_at(file: Path) -> dict[str, str]:
    """When the source was read last, UTC, as a plan remembers it; nothing if only exports were."""
    with open_warehouse(file) as warehouse:
        ((at,),) = warehouse.table("", READ_AT).rows or ((None,),)
    return {"source_read_at": str(at)} if at else {}


def order_strategies(file: Path) -> tuple[Table, str]:
    """What each way for orders to cross costs; and why the plan can't stand, if the chosen one fits
    neither the cap nor the calendar."""
    with open_warehouse(file) as warehouse:
        table = warehouse.table(*STRATEGIES)
    rows = table.records()
    chosen = next((row for row in rows if row["is_chosen"]), None)
    if chosen is None or chosen["fits_cap"] or chosen["fits_calendar"]:
        return table, ""
    fitting = next((str(row["strategy"]) for row in rows if row["is_recommended"]), "none of these")
    return table, (
        f"order strategy {chosen['strategy']} fits neither the cap ({chosen['deals_at_most']:,} of"
        f" {chosen['deal_cap']:,} deals) nor the calendar ({chosen['days']:,.1f} days);"
        f" recommended: {fitting}, or more seats, a larger plan, fewer orders"
    )


def wants(places: Places, mart: str) -> bool:
    """Whether a mart holds any row."""
    with open_warehouse(places.warehouse) as warehouse:
        return warehouse.has("marts", mart) and bool(
            warehouse.number(f"select count(*) from marts.{mart}")
        )


def history_ways(file: Path) -> Table:
    """What the history of points and campaigns would cost in either form."""
    with open_warehouse(file) as warehouse:
        return warehouse.table(*HISTORY)


def plan_tables(file: Path) -> tuple[dict[str, Cell], tuple[Table, ...]]:
    """What the plan costs, and its rows by entity and action."""
    with open_warehouse(file) as warehouse:
        totals = warehouse.table("Totals", TOTALS)
        tables = (warehouse.table(*PLAN), warehouse.table(*MATCHES))
    facts = totals.records()[0] if totals.rows else {}
    return (
        {name.replace("_", " "): value for name, value in facts.items()},
        tuple(table for table in tables if table.rows),
    )


def reconciliation_tables(file: Path) -> tuple[Table, ...]:
    """Did it arrive: counts, dimensions, fields."""
    with open_warehouse(file) as warehouse:
        return tuple(warehouse.table(title, sql) for title, sql in RECONCILIATION)


def _cell(value: Any) -> Cell:
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
