"""What an extraction will cost, said before it is spent: calls by endpoint, why, and hours.

The minimum is what a run without a single failure needs, the declared overlap of pages included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from extract.alpine_iq.contacts import Paging
from extract.alpine_iq.settings import (
    AUDIENCE_PAGE,
    HISTORY_GROWTH,
    HISTORY_START,
    HISTORY_WINDOW_DAYS,
    OVERRIDES,
    POINTS_TIMELINE,
    WINDOWS,
)

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PlannedCalls:
    """One line of the plan."""

    endpoint: str
    calls: int
    why: str


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Calls that an endpoint on demand takes; where it is off, what it would take."""

    calls: int
    is_on: bool = False
    spared: int = 0  # contacts who never had points


@dataclass(frozen=True, slots=True)
class PerContactCalls:
    """Calls that one contact each needs, and those that an export in the inbox answers."""

    details: int
    orders: int
    details_by_export: int = 0
    orders_by_export: int = 0
    members_not_exported: tuple[str, ...] = ()
    timelines: OnDemand | None = None
    overrides: OnDemand | None = None

    @property
    def why_details(self) -> str:
        why = "address, birth date, custom attributes"
        if self.details_by_export:
            return f"{why}; {self.details_by_export:,} answered by the personas export"
        if self.members_not_exported:
            lacking = ", ".join(self.members_not_exported)
            return f"{why}; the personas export lacks {lacking}"
        return why

    @property
    def why_orders(self) -> str:
        if self.orders_by_export:
            return (
                f"order lines; {self.orders_by_export:,} answered by the sales export, which has "
                "no status, payment and attribution"
            )
        return "order lines: no account-wide list exists"


@dataclass(frozen=True, slots=True)
class CallPlan:
    """All lines, in the order in which they are sent; `left_out` is priced and never asked."""

    lines: tuple[PlannedCalls, ...]
    hours: float
    left_out: tuple[PlannedCalls, ...] = ()

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.lines)


def plan_calls(
    *,
    contacts: int,
    audiences: int,
    now: float,
    per_contact: PerContactCalls | None = None,
    paging: Paging | None = None,
    window_scale: float = 1.0,
) -> CallPlan:
    """The plan for an account of that size; `per_contact` tells what is left to be asked for."""
    each = per_contact or PerContactCalls(contacts, contacts)
    histories = history_windows(now)
    demanded, left_out = _on_demand(each, contacts, window_scale)
    lines = (
        PlannedCalls("contacts", page_count(contacts, paging or Paging()), "the list"),
        PlannedCalls("stores", 1, "whole list"),
        PlannedCalls("audiences", audiences // AUDIENCE_PAGE + 1, "the list"),
        PlannedCalls("audience_members", audiences, "membership, without a call per contact"),
        PlannedCalls("loyalty_program", 1, "configuration snapshot, where it answers"),
        PlannedCalls("discounts", 1, "whole list"),
        PlannedCalls("discount_groups", 1, "whole list"),
        PlannedCalls("campaigns", 1, "whole list"),
        PlannedCalls("adjustments", histories, "history and traces of hidden contacts"),
        PlannedCalls("redemptions", histories, "history and traces of hidden contacts"),
        PlannedCalls("conversions", histories, "attribution of orders"),
        PlannedCalls("contact_details", each.details, each.why_details),
        PlannedCalls("contact_orders", each.orders, each.why_orders),
        *demanded,
    )
    hours = hours_at_the_limits(sum(line.calls for line in lines), window_scale)
    return CallPlan(lines, hours, left_out)


def _on_demand(
    each: PerContactCalls, contacts: int, window_scale: float
) -> tuple[tuple[PlannedCalls, ...], tuple[PlannedCalls, ...]]:
    """What one more call per contact gives where it was chosen, and would give where it wasn't."""
    made, left_out = [], []
    for endpoint, asked, gives in (
        (POINTS_TIMELINE, each.timelines or OnDemand(contacts), "each change of points"),
        (OVERRIDES, each.overrides or OnDemand(contacts), "rewards and values set by hand"),
    ):
        spared = f"; {asked.spared:,} contacts never had any" if asked.spared else ""
        if asked.is_on:
            made.append(PlannedCalls(endpoint.name, asked.calls, f"{gives}{spared}"))
        else:
            took = spoken(hours_at_the_limits(asked.calls, window_scale))
            why = f"not asked for; would take {took} more and give {gives}{spared}"
            left_out.append(PlannedCalls(endpoint.name, asked.calls, why))
    return tuple(made), tuple(left_out)


def page_count(contacts: int, paging: Paging) -> int:
    """Pages that a list of so many contacts takes, the overlap included."""
    if contacts <= paging.limit:
        return 1
    return 1 + math.ceil((contacts - paging.limit) / (paging.limit - paging.overlap))


def history_windows(now: float) -> int:
    """Windows of a history whose answers stay small."""
    span, days, count = now - HISTORY_START, HISTORY_WINDOW_DAYS, 0
    while span > 0:
        span -= days * _DAY
        days *= HISTORY_GROWTH
        count += 1
    return count


def hours_at_the_limits(calls: int, window_scale: float = 1.0) -> float:
    """Hours that so many calls take when every window is used to the full."""
    seconds = 0.0
    for window in sorted(WINDOWS, key=lambda each: -each.seconds):
        full, calls = divmod(calls, window.calls)
        if full and not calls:
            full, calls = full - 1, window.calls
        seconds += full * window.seconds
    return seconds / window_scale / 3_600


def spoken(hours: float, pace: str = "at the limits") -> str:
    """A duration as a person says it."""
    if hours >= 1:
        return f"about {hours:.1f} h {pace}"
    minutes = hours * 60
    return f"about {minutes:.0f} min" if minutes >= 1 else "under a minute"
