"""How many records an account has: numbers given by a person, or counted in the marts.

`lines_per_order` is a distribution, {lines of an order: orders}, because a bulk call pays from five
lines of one order upwards. Raises `ConfigError` when there is nothing to count.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from load.errors import ConfigError
from load.warehouse import is_there
from migrate.places import mapping_seed
from migrate.summaries import open_warehouse

LABEL_CALLS: Final = 1


@dataclass(frozen=True, slots=True)
class Size:
    """Counts of what is to be created; `contacts` are the source's, `persons` those that load."""

    contacts: int
    persons: int
    orders: int
    lines_per_order: dict[int, int] = field(default_factory=dict)
    stores: int = 0
    products: int = 0
    notes: int = 0
    activities: int = 0
    files: int = 0
    audiences: int = 0
    label_calls: int = LABEL_CALLS
    custom_fields: int = 0
    stages: int = 0
    recent_orders: int = 0
    is_counted: bool = False

    @property
    def lines(self) -> int:
        return sum(lines * orders for lines, orders in self.lines_per_order.items())


def given(contacts: int, orders: int, lines_per_order: float, notes: int = 0) -> Size:
    """A size by its three figures: a fraction of lines is shared out between two whole numbers."""
    fewer = int(lines_per_order)
    with_more = round(orders * (lines_per_order - fewer))
    assumed = assumptions()
    shared = {fewer: orders - with_more, fewer + 1: with_more}
    return Size(
        contacts=contacts,
        persons=contacts,
        orders=orders,
        lines_per_order={lines: count for lines, count in shared.items() if lines and count},
        stores=int(assumed["stores"]),
        products=int(assumed["products"]),
        audiences=int(assumed["audiences"]),
        notes=notes,
        recent_orders=round(orders * assumed["recent_order_share"]),
        custom_fields=_catalogued(),
        stages=_staged(),
    )


def assumptions() -> dict[str, float]:
    """What is taken where a person gives only three figures: seeds/mapping/estimate_assumptions."""
    return {r["assumption"]: float(r["value"]) for r in _seed("estimate_assumptions.csv")}


def counted(warehouse: Path) -> Size:
    """What the marts hold; a build must have been there."""
    if not is_there(warehouse):
        raise ConfigError(
            "no data to count: give --contacts, --orders and --lines, or run `aiq2pd extract` and "
            "`aiq2pd build` first"
        )
    with open_warehouse(warehouse) as opened:
        try:
            rows = opened.connection.execute(_COUNTS).fetchone()
            lines = opened.connection.execute(_LINES).fetchall()
        except duckdb.CatalogException as error:
            raise ConfigError("no marts to count: run `aiq2pd build` first") from error
    names = (
        "contacts",
        "persons",
        "orders",
        "stores",
        "products",
        "notes",
        "activities",
        "files",
        "audiences",
        "label_calls",
        "recent_orders",
    )
    numbers = dict(zip(names, rows or (), strict=True))
    return Size(
        **numbers,
        lines_per_order=dict(lines),
        custom_fields=_catalogued(),
        stages=_staged(),
        is_counted=True,
    )


def _catalogued() -> int:
    """Custom fields that are made; that of lines as text is not, where lines are lines."""
    return sum(
        row["kind"] == "custom" and row["column_name"] != "order_lines__c"
        for row in _seed("fields.csv")
    )


def _staged() -> int:
    return len({row["stage_name"] for row in _seed("pipeline_stages.csv")})


def _seed(name: str) -> list[dict[str, str]]:
    file = mapping_seed(name)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


_COUNTS: Final = """
    select
        (select count(*) from raw_alpine_iq.contacts),
        (select count(*) from marts.mart_persons),
        (select count(*) from marts.mart_deals),
        (select count(*) from marts.mart_organizations),
        (select count(*) from marts.mart_products),
        (select count(*) from marts.mart_notes),
        (select count(*) from marts.mart_activities),
        (select count(*) from marts.mart_files),
        (select count(*) from raw_alpine_iq.audiences),
        (select count(distinct entity) from marts.mart_labels),
        (select count(*) from marts.mart_deals where order_date__c > (
            select max(order_date__c) - interval 1 year from marts.mart_deals))
"""
_LINES: Final = """
    select lines, count(*) from (
        select count(*) as lines from marts.mart_deal_products group by deal__source_key
    ) group by lines
"""
