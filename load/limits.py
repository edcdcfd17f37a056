"""How fast calls follow each other, and when they rest.

Pipedrive counts requests per token in rolling windows of 2 seconds (searches in a window of their
own as well). Calls are spaced evenly at 0.97 of the ceiling; after a stall (a commit, a group's
slowest answer, a busy machine) they follow closer until the lost time is made up for. As many calls
as the ceiling never take less than a window / 0.97: no window, wherever it begins and whatever a
process before us sent, holds more, even if the network brings calls closer by 3 %. A 429 cuts the
rate to 0.7 of itself and makes every call rest; each 10 clean seconds give one request per second
back. The `x-ratelimit-*` headers are believed over the plan. `window_scale` shortens all of these.

Raises `BudgetExhausted`, and `Paused` when 429s do not end or a rest is too long to be waited for.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from typing import Final

from load.budget import DailyBudget, Permit, TokenStore, whole
from load.clock import Clock
from load.errors import Paused
from load.settings import PipedriveAccount

WINDOW_SECONDS: Final = 2.0
CEILINGS: Final = {"lite": 20, "growth": 40, "premium": 100, "ultimate": 120}
SEARCH_CEILING: Final = 10
SHARE_OF_CEILING: Final = 0.97
CUT: Final = 0.7
_FEWEST_IN_FLIGHT: Final = 8
_SMALLEST_GROUP: Final = 48
# at least the highest ceiling, a customer's own included
_REMEMBERED: Final = 1_000
RECOVERY_SECONDS: Final = 10.0
LONGEST_REST: Final = 300.0
REFUSALS_IN_A_ROW: Final = 30
# shares of a window that a late call may catch up. At first, when a process before us may have sent
# until just now: half of what evenly spaced calls leave free below the ceiling. Later, when our own
# last calls are known: a stall of half a second
_CATCH_UP_AT_FIRST: Final = (1 / SHARE_OF_CEILING - 1) / 2
_CATCH_UP: Final = 0.25


def calls_in_flight(plan: str) -> int:
    """How many writes may wait for their answers: answers of 0.4 s still hold the rate."""
    return max(_FEWEST_IN_FLIGHT, CEILINGS[plan] // 5)


def calls_in_a_group(plan: str) -> int:
    """Writes whose intents are committed together: those of a window, so that the pause between two
    groups is made up for."""
    return max(_SMALLEST_GROUP, CEILINGS[plan])


class Pace:
    """Evenly spaced calls under one ceiling. Times are monotonic seconds, passed in."""

    def __init__(self, ceiling: int, *, scale: float = 1.0) -> None:
        self.window = WINDOW_SECONDS / scale
        self.ceiling = ceiling
        self._scale = scale
        self._slowed_to = 1.0
        self._changed_at = float("-inf")
        self._next = float("-inf")
        self._held_until = float("-inf")
        self._sent: deque[float] = deque()
        self._latest: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def calls_per_window(self) -> float:
        """The rate that is kept at the moment."""
        return max(1.0, self.ceiling * SHARE_OF_CEILING * self._slowed_to)

    def ready_in(self, now: float) -> float:
        """Seconds until the next call may go; 0 or less means now."""
        self._recover(now)
        catch_up, soonest = _CATCH_UP_AT_FIRST, self._held_until
        if len(self._latest) >= self.ceiling:
            span = self.window * self.ceiling / self.calls_per_window
            catch_up, soonest = _CATCH_UP, max(soonest, self._latest[-self.ceiling] + span)
        return max(self._next - self.window * catch_up, soonest) - now

    def take(self, now: float) -> None:
        """A call goes out."""
        self._next = max(self._next, now) + self.window / self.calls_per_window
        self._sent.append(now)
        self._latest.append(now)
        self._forget(now)

    def hold(self, now: float, seconds: float) -> None:
        """No call for so long."""
        self._held_until = max(self._held_until, now + seconds)

    def slow_down(self, now: float) -> None:
        """After a 429; several of one window are one signal."""
        if now - self._changed_at < self.window:
            return
        self._slowed_to = max(1 / self.ceiling, self._slowed_to * CUT)
        self._changed_at = now

    def believe(self, headers: Mapping[str, str], now: float) -> None:
        """The answer's own count; a window that others have filled is waited for."""
        self.ceiling = whole(headers.get("x-ratelimit-limit")) or self.ceiling
        remaining = whole(headers.get("x-ratelimit-remaining"))
        self._forget(now)
        if remaining == 0 and len(self._sent) < self.ceiling - 2:
            self.hold(now, min(self.window, self.reset(headers)))

    def reset(self, headers: Mapping[str, str]) -> float:
        """Seconds until the server's window is free again, a whole one if it does not say."""
        seconds = whole(headers.get("x-ratelimit-reset"))
        return self.window if seconds is None else seconds / self._scale

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] <= now - self.window:
            self._sent.popleft()

    def _recover(self, now: float) -> None:
        step = RECOVERY_SECONDS / self._scale
        while self._slowed_to < 1.0 and now - self._changed_at >= step:
            self._slowed_to = min(1.0, self._slowed_to + WINDOW_SECONDS / self.ceiling)
            self._changed_at += step


class Limiter:
    """Lets calls out one after the other, within the pace and the day's budget."""

    def __init__(
        self,
        account: PipedriveAccount,
        store: TokenStore,
        clock: Clock,
        *,
        jitter: random.Random | None = None,
    ) -> None:
        self.budget = DailyBudget(account, store, clock)
        self.pace = Pace(CEILINGS[account.plan], scale=account.window_scale)
        self.search_pace = Pace(SEARCH_CEILING, scale=account.window_scale)
        self._clock = clock
        self._jitter = jitter or random.Random()
        self._turn = asyncio.Lock()
        self._search_turn = asyncio.Lock()
        self._refused_in_a_row = 0
        # a process before us may have sent its last call just now
        self.pace.hold(clock.monotonic(), self.pace.window / self.pace.calls_per_window)

    async def admit(self, cost: int, *, search: bool = False) -> Permit:
        """Waits for the call's turn and sets its tokens aside."""
        if search:
            async with self._search_turn:
                await self._wait(self.search_pace)
                self.search_pace.take(self._clock.monotonic())
        async with self._turn:
            await self._wait(self.pace)
            permit = self.budget.reserve(cost)
            self.pace.take(self._clock.monotonic())
            return permit

    def settle(
        self,
        permit: Permit,
        *,
        calls: int,
        tokens: int,
        entity: str,
        endpoint: str,
        headers: Mapping[str, str],
        search: bool = False,
    ) -> None:
        """Learns from how a call ended; no headers if there was no answer."""
        self.budget.settle(
            permit, calls=calls, tokens=tokens, headers=headers, entity=entity, endpoint=endpoint
        )
        pace = self.search_pace if search else self.pace
        pace.believe(headers, self._clock.monotonic())

    def answered(self) -> None:
        """A call got through: the refusals have ended."""
        self._refused_in_a_row = 0

    def too_many(self, headers: Mapping[str, str], *, cost: int, search: bool = False) -> None:
        """After a 429: everything rests, then goes on slower. Raises what ends the run."""
        if not self.budget.can_pay(cost):
            raise self.budget.exhausted()
        now, pace = self._clock.monotonic(), self.search_pace if search else self.pace
        asked = float(whole(headers.get("retry-after")) or 0)
        rest = max(asked, pace.reset(headers), pace.window)
        self._refused_in_a_row += 1
        if rest > LONGEST_REST or self._refused_in_a_row > REFUSALS_IN_A_ROW:
            raise Paused(
                f"Pipedrive refused {self._refused_in_a_row} calls in a row for their number and"
                f" asks to wait {rest:.0f} s; see whether other tools use the same token, then run"
                " again"
            )
        pace.slow_down(now)
        rest += self._jitter.uniform(0.0, pace.window)
        pace.hold(now, rest)
        self.pace.hold(now, rest)

    async def _wait(self, pace: Pace) -> None:
        while (seconds := pace.ready_in(self._clock.monotonic())) > 0:
            await self._clock.sleep(seconds)
