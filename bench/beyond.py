"""What an apply too large to be measured would take, worked out: `python -m bench.beyond`."""

from __future__ import annotations

from collections.abc import Iterator

from bench.rows import Row, main
from load.limits import CEILINGS, WINDOW_SECONDS
from migrate.estimate.size import given
from migrate.estimate.spending import plan_limits, spending

ORDERS = 3  # a contact
LINES = 3  # an order
SEATS = 25


def measure(size: int) -> Iterator[Row]:
    """Nothing is run. Three orders a contact, three lines an order, as deals with lines: calls and
    tokens by the estimate that tests hold to what runs on the sandbox spent; days of the whole
    daily budget with 25 seats; hours if only the rate of calls counted. What the loader takes of
    rate and tokens is measured by the parts `rate` and `load`."""
    spent = spending(given(size, size * ORDERS, LINES))
    calls = sum(each.calls for each in spent)
    tokens = sum(each.tokens for each in spent)
    yield Row("calls of an apply", calls, "calls", is_worked_out=True)
    yield Row("tokens of it", tokens, "tokens", is_worked_out=True)
    for plan in plan_limits():
        a_day = plan.tokens_per_day(SEATS, 1.0)
        yield Row(f"days by tokens, {plan.name}", tokens / a_day, "days", is_worked_out=True)
        rate = CEILINGS[plan.name] / WINDOW_SECONDS
        yield Row(f"hours by rate, {plan.name}", calls / rate / 3600, "h", is_worked_out=True)


if __name__ == "__main__":
    main(measure)
