"""Calls and tokens by what they are for. Costs are `load.costs`, limits the plan's own seed.

Reads are part of it: preflight, the read-back before planning and the one that verifies, and the
check of the deals' values. What is not in it: retries, a sweep after lost answers, later deltas.
Unit: tokens; one line per purpose, (calls, tokens).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import Final

from load.api.paging import FILES_PER_PAGE
from load.costs import FIELD_LISTS, RECORDS, cheapest_line_calls, token_cost
from migrate.estimate.size import Size
from migrate.places import mapping_seed

PAGE: Final = 500
DEALS_PER_CALL: Final = 100
CANARY: Final = (
    ("POST /api/v2/persons", 1),
    ("POST /api/v2/deals", 1),
    ("GET /api/v2/persons/{id}", 2),
    ("GET /api/v2/deals/{id}", 2),
    ("DELETE /api/v2/persons/{id}", 1),
    ("DELETE /api/v2/deals/{id}", 1),
)
STRUCTURE: Final = (
    *((f"GET /api/v2/{name}", 1) for name in FIELD_LISTS),
    ("GET /api/v2/pipelines", 1),
    ("GET /api/v2/stages", 1),
)
ACCOUNT: Final = ("GET /api/v1/users/me", 1)


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls and tokens for one purpose."""

    purpose: str
    calls: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """One row of seeds/mapping/plan_limits.csv."""

    name: str
    daily_tokens_per_seat: int
    deals_per_seat: int

    def tokens_per_day(self, seats: int, share: float) -> float:
        return self.daily_tokens_per_seat * seats * share


def plan_limits() -> list[PlanLimits]:
    """All of Pipedrive's plans, the smallest budget first."""
    file = mapping_seed("plan_limits.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [
            PlanLimits(
                row["plan_name"], int(row["daily_tokens_per_seat"]), int(row["deals_per_seat"])
            )
            for row in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda row: row.daily_tokens_per_seat)


def spending(size: Size, *, with_lines: bool = True, deals: int | None = None) -> list[Spent]:
    """The whole migration, first read-back to verification. `deals` fewer than all: the lines of
    the others do not cross either."""
    deals = size.orders if deals is None else deals
    share = deals / size.orders if size.orders else 0.0
    lines = {n: count * share for n, count in size.lines_per_order.items()} if with_lines else {}
    return [
        _priced("read Pipedrive before planning", _read_back(Size(0, 0, 0))),
        _priced("preflight and canary", _preflight(size)),
        _priced("fields, options, labels", _fields(size)),
        _priced("read structure, check values", [*_opening(), *_value_checks(deals)]),
        _priced("organizations", [("POST /api/v2/organizations", size.stores)]),
        _priced("persons", [("POST /api/v2/persons", size.persons)]),
        _priced("products", [("POST /api/v2/products", size.products if with_lines else 0)]),
        _priced("deals", [("POST /api/v2/deals", deals)]),
        _priced("lines", _lines(lines)),
        _priced("notes", [("POST /api/v1/notes", round(size.notes * share))]),
        _priced("activities", [("POST /api/v2/activities", size.activities)]),
        *([_priced("files", [("POST /api/v1/files", size.files)])] if size.files else []),
        _priced("read everything back to verify", _read_back(size, deals=deals)),
    ]


def undoing(size: Size, deals: int) -> int:
    """Tokens of taking it all back; lines go with their deal, fields stay."""
    records = size.stores + size.persons + size.products + deals + size.activities
    return (
        records * token_cost("DELETE /api/v2/deals/{id}")
        + size.notes * token_cost("DELETE /api/v1/notes/{id}")
        + size.files * token_cost("DELETE /api/v1/files/{id}")
    )


def _priced(purpose: str, calls: list[tuple[str, int]]) -> Spent:
    return Spent(
        purpose,
        sum(count for _, count in calls),
        sum(token_cost(endpoint) * count for endpoint, count in calls),
    )


def _opening() -> list[tuple[str, int]]:
    return [ACCOUNT, *STRUCTURE]


def _preflight(size: Size) -> list[tuple[str, int]]:
    """Pipeline and stages are made here, so that the canary has a place."""
    return [
        *_opening(),
        ("GET /api/v1/webhooks", 1),
        *CANARY,
        ("POST /api/v2/pipelines", 1),
        ("POST /api/v2/stages", size.stages),
    ]


def _fields(size: Size) -> list[tuple[str, int]]:
    return [
        ("POST /api/v2/personFields", size.custom_fields),
        ("POST /api/v2/personFields/{code}/options", size.label_calls),
    ]


def _value_checks(deals: int) -> list[tuple[str, int]]:
    return [("GET /api/v2/deals", math.ceil(deals / DEALS_PER_CALL))]


def _lines(lines_per_order: dict[int, float]) -> list[tuple[str, int]]:
    bulk = single = 0.0
    for lines, orders in lines_per_order.items():
        in_bulk, one_by_one = cheapest_line_calls(lines)
        bulk += in_bulk * orders
        single += one_by_one * orders
    return [
        ("POST /api/v2/deals/{id}/products/bulk", round(bulk)),
        ("POST /api/v2/deals/{id}/products", round(single)),
    ]


def _read_back(size: Size, deals: int | None = None) -> list[tuple[str, int]]:
    deals = size.orders if deals is None else deals
    counts = dict(zip(RECORDS, (size.stores, size.persons, deals, size.products), strict=True))
    return [
        ACCOUNT,
        ("GET /api/v1/users", 1),
        *STRUCTURE,
        *((f"GET /api/v2/{name}", _pages(count)) for name, count in counts.items()),
        ("GET /api/v2/deals/archived", 1),
        ("GET /api/v1/notes", _pages(size.notes)),
        ("GET /api/v2/activities", _pages(size.activities) if size.activities else 0),
        ("GET /api/v1/files", math.ceil(size.files / FILES_PER_PAGE)),
        ("GET /api/v2/deals/products", math.ceil(deals / DEALS_PER_CALL)),
    ]


def _pages(count: int) -> int:
    return max(1, math.ceil(count / PAGE))


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way for orders to cross, by its name in `plan.plan_strategies`.

    `deals` are those under the cap at the end; `reporting_lost` is what people miss.
    """

    name: str
    calls: int
    tokens: int
    deals: int
    reporting_lost: str


def strategies(size: Size) -> tuple[Strategy, ...]:
    """What each order strategy would spend, the default first."""
    every = _total(spending(size))
    archive = size.orders * token_cost("PATCH /api/v2/deals/{id}")
    return (
        Strategy("all_deals", *every, size.orders, "nothing"),
        Strategy(
            "archived_waves",
            *(every[0] + size.orders, every[1] + archive, 0),
            "archived deals are left out of most of Pipedrive's reports and can't be edited",
        ),
        Strategy(
            "recent_deals",
            *_total(spending(size, deals=size.recent_orders)),
            *(size.recent_orders, "older orders are only totals on the person"),
        ),
        Strategy(
            "lines_as_text",
            *_total(spending(size, with_lines=False)),
            *(size.orders, "no product reports: lines are text in the deal"),
        ),
    )


def _total(spent: list[Spent]) -> tuple[int, int]:
    return sum(each.calls for each in spent), sum(each.tokens for each in spent)
