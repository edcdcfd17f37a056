"""The day's tokens: how many are left to us, by the destination's own count where it tells.

The company's budget is 30,000 x the plan's factor x seats a day, for all its users and tools; our
share of it is a setting. The header `x-daily-ratelimit-token-remaining` counts everybody's calls
and is believed over our own count, which only fills the gaps and survives restarts in a
`TokenStore`. Days begin at `budget_resets_at` (UTC). Unit: tokens.

Raises `ConfigError` for an unknown plan, `BudgetExhausted` before a call that the share can't pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from load.clock import Clock
from load.errors import BudgetExhausted, ConfigError
from load.settings import PipedriveAccount

TOKENS_PER_SEAT: Final = 30_000
FACTORS: Final = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
LIMIT_HEADER: Final = "x-daily-ratelimit-token-limit"
REMAINING_HEADER: Final = "x-daily-ratelimit-token-remaining"


class TokenStore(Protocol):
    """Where spent tokens are counted, so that the count outlives the process."""

    def record(
        self, *, day: str, run_id: str, entity: str, endpoint: str, calls: int, tokens: int
    ) -> None:
        """Adds calls of one endpoint to a day (ISO date)."""

    def spent_today(self, day: str) -> int:
        """Tokens of a day, all runs together."""


class TokensInMemory:
    """A count that nobody needs after the process: look-ups, tests."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str, str]] = Counter()
        self.tokens: Counter[tuple[str, str, str, str]] = Counter()

    def record(
        self, *, day: str, run_id: str, entity: str, endpoint: str, calls: int, tokens: int
    ) -> None:
        """Adds calls of one endpoint to a day."""
        key = (day, run_id, entity, endpoint)
        self.calls[key] += calls
        self.tokens[key] += tokens

    def spent_today(self, day: str) -> int:
        """Tokens of a day, all runs together."""
        return sum(tokens for key, tokens in self.tokens.items() if key[0] == day)


@dataclass(frozen=True, slots=True)
class Permit:
    """A call that may go out: what it will cost, and what was known when it went."""

    cost: int
    headers_seen: int
    tokens_settled: int


def daily_tokens(plan: str, seats: int) -> int:
    """The company's tokens for one day, top-ups aside."""
    if plan not in FACTORS:
        raise ConfigError(f"PIPEDRIVE_PLAN: {plan!r} is not one of {', '.join(FACTORS)}")
    return TOKENS_PER_SEAT * FACTORS[plan] * seats


class DailyBudget:
    """What may still be spent today. Calls in flight count as spent until they settle."""

    def __init__(self, account: PipedriveAccount, store: TokenStore, clock: Clock) -> None:
        self.limit_told: int | None = None
        self._limit = daily_tokens(account.plan, account.seats)
        self._share = account.budget_share
        self._day_begins = timedelta(
            hours=account.budget_resets_at.hour, minutes=account.budget_resets_at.minute
        )
        self._store = store
        self._clock = clock
        self._day = ""
        self._own = 0
        self._left: int | None = None
        self._in_flight = 0
        self._settled = 0
        self._headers_seen = 0

    def reserve(self, cost: int) -> Permit:
        """Sets the cost of one call aside."""
        if self.available() < cost:
            raise self.exhausted()
        self._in_flight += cost
        return Permit(cost, self._headers_seen, self._settled)

    def settle(
        self,
        permit: Permit,
        *,
        calls: int,
        tokens: int,
        headers: Mapping[str, str],
        entity: str,
        endpoint: str,
    ) -> None:
        """Counts what a call really cost and what its answer says about the day."""
        self._start_of_day()
        self._in_flight -= permit.cost
        self._settled += tokens
        self._own += tokens
        self._store.record(
            day=self._day, run_id="", entity=entity, endpoint=endpoint, calls=calls, tokens=tokens
        )
        self._believe(permit, tokens, headers)

    def available(self) -> int:
        """Tokens that our share still has, less what is in flight."""
        self._start_of_day()
        ours = int(self._limit * self._share)
        if self._left is None:
            return ours - self._own - self._in_flight
        return self._left - (self._limit - ours) - self._in_flight

    def can_pay(self, cost: int) -> bool:
        """Whether the company (not only our share) has tokens for one more call."""
        self._start_of_day()
        left = self._limit - self._own if self._left is None else self._left
        return left >= cost

    def exhausted(self) -> BudgetExhausted:
        """The error that says when to go on."""
        resets_at = self.resets_at()
        return BudgetExhausted(
            f"today's share of Pipedrive tokens ({self._share:.0%} of {self._limit:,}) is used up;"
            f" run again after {resets_at:%Y-%m-%d %H:%M} UTC",
            resets_at=resets_at,
        )

    def resets_at(self) -> datetime:
        """When the next day's tokens are given."""
        shifted = self._clock.now().astimezone(UTC) - self._day_begins
        midnight = shifted.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1) + self._day_begins

    def _start_of_day(self) -> None:
        day = (self._clock.now().astimezone(UTC) - self._day_begins).date().isoformat()
        if day != self._day:
            self._day = day
            self._own = self._store.spent_today(day)
            self._left = None

    def _believe(self, permit: Permit, tokens: int, headers: Mapping[str, str]) -> None:
        limit, remaining = whole(headers.get(LIMIT_HEADER)), whole(headers.get(REMAINING_HEADER))
        if limit:
            self._limit = self.limit_told = limit
        if remaining is None:
            if self._left is not None:
                self._left -= tokens
            return
        # answers overtake each other: an older one shows more, but no more than our own calls of
        # the meantime explain. More than that means that the day's tokens were given anew.
        is_newest = permit.headers_seen == self._headers_seen
        explained = self._settled - permit.tokens_settled + self._in_flight + self._limit // 100
        if self._left is None or is_newest or remaining > self._left + explained:
            self._left = remaining
        else:
            self._left = min(self._left, remaining)
        self._headers_seen += 1


def whole(text: str | None) -> int | None:
    """A header as a whole number, None if it is missing or no number."""
    if text is None or not (text.isascii() and text.strip().isdecimal()):
        return None
    return int(text)
