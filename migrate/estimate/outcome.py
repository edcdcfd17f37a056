"""An estimate as tables: by purpose, by plan and seats, by strategy; and a plot of the days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extract.alpine_iq.calls import PerContactCalls, plan_calls
from migrate.estimate.size import Size
from migrate.estimate.spending import (
    PlanLimits,
    plan_limits,
    spending,
    strategies,
    undoing,
)
from migrate.outcome import Cell, Outcome, Table

if TYPE_CHECKING:
    from markupsafe import Markup

    from migrate.settings import Settings

SEATS: Final = (1, 5, 10, 25, 50)
EXTRA_SEATS: Final = (5, 10, 20, 40)
PLAN_TABLE: Final = "Days by plan and seats"


def as_outcome(size: Size, settings: Settings, *, seat_price: float | None, now: float) -> Outcome:
    """Everything that an operator decides by."""
    spent = spending(size)
    tokens = sum(each.tokens for each in spent)
    chosen = next(plan for plan in plan_limits() if plan.name == settings.pipedrive_plan)
    a_day = chosen.tokens_per_day(settings.pipedrive_seats, settings.pipedrive_budget_share)
    undo = undoing(size, size.orders)
    return Outcome(
        "estimate",
        f"{tokens:,} tokens: {tokens / a_day:,.1f} days on {chosen.name} with "
        f"{settings.pipedrive_seats} seats",
        facts={
            "contacts": size.contacts,
            "orders": size.orders,
            "lines": size.lines,
            "from": "this data folder's marts" if size.is_counted else "the numbers given",
            "calls": sum(each.calls for each in spent),
            "tokens": tokens,
            "tokens a day": round(a_day),
            "days": round(tokens / a_day, 2),
            "undo tokens": undo,
            "undo days": round(undo / a_day, 2),
        },
        tables=(
            Table(
                "Calls and tokens by purpose",
                ("purpose", "calls", "tokens"),
                tuple((each.purpose, each.calls, each.tokens) for each in spent),
            ),
            by_plan(
                tokens,
                size.orders,
                seats=settings.pipedrive_seats,
                share=settings.pipedrive_budget_share,
            ),
            _by_strategy(size, chosen, settings),
            _seats(tokens, chosen, settings, seat_price),
            _extraction(size, now),
        ),
        notes=_notes(size),
    )


def plot(table: Table) -> Markup:
    """Days by plan and seats as bars, for the report: each against the longest."""
    from migrate.report.plots import Bar, bars

    rows = [(str(r["plan"]), int(r["seats"] or 0), float(r["days"] or 0)) for r in table.records()]
    longest = max((days for _, _, days in rows), default=0.0)
    return bars(
        PLAN_TABLE,
        "How many days the load takes on each plan, by number of seats; a bar is a share of the "
        "longest.",
        [
            Bar(
                f"{plan}, {seats} seat{'' if seats == 1 else 's'}",
                *(days, longest),
                f"{days:,.1f} days" if days >= 1 else f"{days * 24:,.1f} hours",
            )
            for plan, seats, days in rows
        ],
    )


def by_plan(tokens: int, deals: int, *, seats: int, share: float) -> Table:
    """Days on each plan with some numbers of seats, `seats` among them, at this share of a day."""
    rows: list[tuple[Cell, ...]] = []
    for plan in plan_limits():
        for number in sorted({*SEATS, seats}):
            a_day = plan.tokens_per_day(number, share)
            cap = plan.deals_per_seat * number
            fits = "fits" if deals <= cap else f"{deals - cap:,} too many"
            rows.append((plan.name, number, round(a_day), round(tokens / a_day, 4), cap, fits))
    return Table(
        PLAN_TABLE, ("plan", "seats", "tokens_a_day", "days", "deal_cap", "deals"), tuple(rows)
    )


def _by_strategy(size: Size, plan: PlanLimits, settings: Settings) -> Table:
    """Each way for orders to cross, with its days on every plan with these seats."""
    seats, share = settings.pipedrive_seats, settings.pipedrive_budget_share
    plans, cap = plan_limits(), plan.deals_per_seat * seats
    return Table(
        "Order strategies",
        (
            *("strategy", "calls", "tokens"),
            *(f"days_{each.name}" for each in plans),
            *("deals_under_the_cap", "of_cap", "reporting_lost"),
        ),
        tuple(
            (
                *(way.name, way.calls, way.tokens),
                *(round(way.tokens / each.tokens_per_day(seats, share), 2) for each in plans),
                *(way.deals, f"{way.deals / cap:.0%}", way.reporting_lost),
            )
            for way in strategies(size)
        ),
    )


def _seats(tokens: int, plan: PlanLimits, settings: Settings, seat_price: float | None) -> Table:
    """Seats bought for one month: what each day that they save costs."""
    share, seats = settings.pipedrive_budget_share, settings.pipedrive_seats
    days = tokens / plan.tokens_per_day(seats, share)
    rows: list[tuple[Cell, ...]] = []
    for extra in EXTRA_SEATS:
        faster = tokens / plan.tokens_per_day(seats + extra, share)
        saved = days - faster
        cost = None if seat_price is None else extra * seat_price
        per_day = None if cost is None or saved <= 0 else round(cost / saved, 2)
        rows.append(
            (extra, round(faster, 2), round(saved, 2), round(extra / saved, 2), cost, per_day)
        )
    columns = (
        *("extra_seats", "days", "days_saved", "seat_months_per_day_saved"),
        *("price", "break_even_value_of_a_day"),
    )
    return Table("Buying seats for a month", columns, tuple(rows))


def _extraction(size: Size, now: float) -> Table:
    """Hours at the source's limits, with one call or two a contact, or none thanks to exports."""
    ways = (
        ("API alone", PerContactCalls(size.contacts, size.contacts)),
        ("sales export answers orders", PerContactCalls(size.contacts, 0)),
        ("both exports answer", PerContactCalls(0, 0)),
    )
    plans = [
        (name, plan_calls(contacts=size.contacts, audiences=size.audiences, now=now, per_contact=c))
        for name, c in ways
    ]
    return Table(
        "Extraction at the source's limits",
        ("way", "calls", "hours"),
        tuple((name, plan.calls, round(plan.hours, 2)) for name, plan in plans),
    )


def _notes(size: Size) -> tuple[str, ...]:
    left_out = (
        "Retries, doubts settled after lost answers and later deltas are not in it; a dry run of a "
        "frozen plan says it exactly. Tokens can't be saved up from one day to the next."
    )
    if size.is_counted:
        return (left_out,)
    assumed = (
        f"Assumed: {size.stores} stores, {size.products:,} products, {size.notes:,} notes, "
        f"{size.audiences} audiences, {size.recent_orders:,} orders in the last year "
        "(seeds/mapping/estimate_assumptions.csv)."
    )
    return (left_out, assumed)
