"""The two limits of a Pipedrive account: requests in a rolling window, tokens in a day.

The burst limit is counted in requests over 2 seconds, by token; search has a window of its own. The
budget is counted in tokens by company and day and is shared with the customer's other tools, so we
use a share of it. Headers are believed over our own count, in both cases.
Source: Pipedrive's documentation "Rate limiting"; the unit of the reset header as others saw it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from load.clock import Clock
from load.errors import BudgetExhausted, ConfigError
from load.settings import PipedriveAccount

WINDOW_SECONDS: Final = 2.0
SEARCH_LIMIT: Final = 10
START_SHARE: Final = 0.97
SLOWER: Final = 0.7
CLEAN_SECONDS: Final = 10.0
LONGEST_WAIT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Edition:
    """What a plan allows: requests in 2 seconds for an API token, tokens a seat and day."""

    burst: int
    tokens: int


EDITIONS: Final[Mapping[str, Edition]] = {
    "lite": Edition(20, 30_000),
    "growth": Edition(40, 60_000),
    "premium": Edition(100, 150_000),
    "ultimate": Edition(120, 210_000),
}


def edition_of(plan: str) -> Edition:
    """The plan's limits; ConfigError for a plan that is not known."""
    try:
        return EDITIONS[plan.lower()]
    except KeyError:
        known = ", ".join(EDITIONS)
        raise ConfigError(f"PIPEDRIVE_PLAN {plan!r} is not one of {known}") from None


class TokenStore(Protocol):
    """Where spent tokens are kept over restarts (the ledger)."""

    def record(  # noqa: PLR0917  # one row of token_use, in its columns' order
        self, day: str, run_id: str, entity: str, endpoint: str, calls: int, tokens: int
    ) -> None:
        """Adds calls and tokens to a day (ISO date, UTC)."""

    def spent_today(self, day: str) -> int:
        """Tokens spent on that day by us."""


class BurstLimiter:
    """Spaces requests evenly below the ceiling; slower after a 429, slowly faster when clean."""

    def __init__(self, limit: int, clock: Clock, *, window: float) -> None:
        self._clock = clock
        self._window = window
        self._limit = limit
        self._rate = START_SHARE * limit
        self._next = 0.0
        self._paused_until = 0.0
        self._clean_since = 0.0
        self._sent: deque[float] = deque()

    @property
    def per_window(self) -> float:
        """Requests that we send in one window at present."""
        return self._rate

    async def wait_for_turn(self) -> None:
        """Returns when one more request may leave."""
        self._recover()
        while (delay := self._delay()) > 0:
            await self._clock.sleep(delay)
        now = self._clock.monotonic()
        interval = self._window / self._rate
        # catching up after a late wake-up is allowed for two intervals, never as a burst
        self._next = max(self._next, now - 2 * interval) + interval
        self._sent.append(now)

    def believe(self, limit: int) -> None:
        """The server's own word for its ceiling replaces ours."""
        if limit > 0 and limit != self._limit:
            self._rate = min(self._rate * limit / self._limit, START_SHARE * limit)
            self._limit = limit

    def slow_down(self, pause: float) -> None:
        """A 429: nothing leaves for `pause` seconds, then at 0.7 of the rate."""
        now = self._clock.monotonic()
        if now >= self._paused_until:
            self._rate = max(1.0, self._rate * SLOWER)
        self._paused_until = max(self._paused_until, now + pause)
        self._clean_since = self._paused_until

    def _delay(self) -> float:
        now = self._clock.monotonic()
        while self._sent and self._sent[0] <= now - self._window:
            self._sent.popleft()
        full = len(self._sent) >= max(1, int(self._rate))
        oldest_leaves = self._sent[0] + self._window - now if full else 0.0
        return max(self._paused_until - now, self._next - now, oldest_leaves)

    def _recover(self) -> None:
        now = self._clock.monotonic()
        clean_for = CLEAN_SECONDS * self._window / WINDOW_SECONDS
        if self._rate < START_SHARE * self._limit and now - self._clean_since >= clean_for:
            self._rate = min(self._rate + WINDOW_SECONDS, START_SHARE * self._limit)
            self._clean_since = now


class DailyBudget:
    """Stops before the share of the day's tokens is used up; the day turns at midnight UTC.

    The reset's time zone is documented only as the server's: UTC is an assumption, and a remaining
    header that goes up again is believed at once.
    """

    def __init__(self, account: PipedriveAccount, store: TokenStore, clock: Clock) -> None:
        self._limit = edition_of(account.plan).tokens * account.seats
        self._share = account.budget_share
        self._store = store
        self._clock = clock
        self._remaining: int | None = None
        self._told_on = ""

    def today(self) -> str:
        """The budget's day, ISO date."""
        return self._clock.now().date().isoformat()

    def reserve(self) -> int:
        """Tokens that stay for the customer's other tools."""
        return round(self._limit * (1 - self._share))

    def left(self) -> int:
        """Tokens that we may still spend today."""
        own = self._limit - self.reserve() - self._store.spent_today(self.today())
        if self._remaining is None or self._told_on != self.today():
            return own
        return min(own, self._remaining - self.reserve())

    def require(self, cost: int) -> None:
        """Raises BudgetExhausted when `cost` does not fit into what is left."""
        if cost > self.left():
            raise self.exhausted()

    def exhausted(self) -> BudgetExhausted:
        """The error, with the moment when a new day begins."""
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        resets_at = midnight + timedelta(days=1)
        return BudgetExhausted(
            f"today's share of tokens is used up ({self._share:.0%} of {self._limit:,});"
            f" run again after {resets_at:%Y-%m-%d %H:%M} UTC",
            resets_at=resets_at,
        )

    def believe(self, headers: Mapping[str, str]) -> None:
        """Takes the company's own figures, where the answer has them."""
        limit = whole_number(headers.get("x-daily-ratelimit-token-limit"))
        remaining = whole_number(headers.get("x-daily-ratelimit-token-remaining"))
        if limit:
            self._limit = limit
        if remaining is not None:
            self._remaining, self._told_on = remaining, self.today()

    def is_used_up(self, headers: Mapping[str, str], cost: int) -> bool:
        """Whether a 429 means the day rather than the window."""
        remaining = whole_number(headers.get("x-daily-ratelimit-token-remaining"))
        return remaining is not None and remaining < cost


def whole_number(text: str | None) -> int | None:
    """A header's number, None when it is missing or something else."""
    return int(text) if text and text.isascii() and text.isdigit() else None


def pause_after_429(headers: Mapping[str, str], *, window: float, chance: random.Random) -> float:
    """Seconds to wait: the largest of what the server says and one window, with some jitter."""
    said = [
        number
        for name in ("retry-after", "x-ratelimit-reset")
        if (number := whole_number(headers.get(name))) is not None
    ]
    # both headers are whole seconds of a 2-second window, so they scale with it
    scale = window / WINDOW_SECONDS
    wait = max([WINDOW_SECONDS, *said]) * scale
    return min(wait, LONGEST_WAIT) * (1 + 0.25 * chance.random())
