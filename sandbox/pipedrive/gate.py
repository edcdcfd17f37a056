"""Who may call now: burst windows, the daily token budget, the block after ignored refusals.

Bursts count requests per token in a rolling 2 seconds; searches count in a window of their own as
well. The budget counts tokens per company and day. Both are refused with 429.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from sandbox.limits import SlidingWindow
from sandbox.pipedrive.account import DAY, Account
from sandbox.pipedrive.catalog import Endpoint
from sandbox.pipedrive.errors import INFO, ApiError, blocked
from sandbox.pipedrive.switches import TOKENS_PER_SEAT

BURST_SECONDS: Final = 2.0
REQUESTS_PER_DAY: Final = 10_000


class Gate:
    """Limits of one account; what is spent today survives a restart."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._windows: dict[tuple[str, int], SlidingWindow] = {}
        self._refusals: deque[float] = deque()
        self.blocked_until = 0.0
        saved = account.store.meta("budget") or {}
        self.day: int = saved.get("day", 0)
        self.spent: int = saved.get("spent", 0)
        self.writes: int = saved.get("writes", 0)

    def save(self) -> None:
        state = {"day": self.day, "spent": self.spent, "writes": self.writes}
        self._account.store.set_meta("budget", state)

    # budget

    def limit(self) -> int:
        override = self._account.switches.daily_budget
        if override is not None:
            return override
        return TOKENS_PER_SEAT * self._account.plan.multiplier * self._account.seats

    def _roll(self, now: float) -> None:
        shifted = now - self._account.switches.budget_reset_hour * 3600
        today = int(shifted // DAY)
        if today != self.day:
            self.day, self.spent, self.writes = today, 0, 0

    def resets_at(self) -> float:
        return (self.day + 1) * DAY + self._account.switches.budget_reset_hour * 3600

    def remaining(self) -> int:
        return max(0, self.limit() - self.spent)

    def spend(self, tokens: int, now: float) -> None:
        """What another integration of the company eats."""
        self._roll(now)
        self.spent += tokens

    def charge(self, cost: int, method: str) -> None:
        self.spent += cost
        if method != "GET":
            self.writes += 1

    # admission

    def _window(self, kind: str, limit: int) -> SlidingWindow:
        key = (kind, limit)
        window = self._windows.get(key)
        if window is None:
            window = SlidingWindow(limit, BURST_SECONDS, self._account.factor)
            self._windows[key] = window
        return window

    def burst(self, auth: str) -> SlidingWindow:
        switches, plan = self._account.switches, self._account.plan
        default = plan.oauth_burst if auth == "oauth" else plan.token_burst
        return self._window(auth, switches.burst_limit or default)

    def admit(self, endpoint: Endpoint | None, auth: str, now: float) -> None:
        """Raises 403 or 429 when the call may not go on; else takes its place in the windows."""
        self._roll(now)
        switches = self._account.switches
        if now < self.blocked_until and auth == "token":
            raise blocked()
        if switches.enforce_bursts:
            windows = [self.burst(auth)]
            if endpoint is not None and endpoint.is_search:
                windows.append(self._window("search:" + auth, switches.search_burst_limit))
            if not all(window.has_room(now) for window in windows):
                raise self.refusal(auth, now)
            for window in windows:
                window.take(now)
        if endpoint is not None and endpoint.cost > self.remaining():
            raise self.refusal(auth, now)

    def refusal(self, auth: str, now: float) -> ApiError:
        """429, or the block page once too many refusals were ignored."""
        switches = self._account.switches
        within = switches.block_within / self._account.factor
        refusals = self._refusals
        refusals.append(now)
        while refusals and refusals[0] <= now - within:
            refusals.popleft()
        if len(refusals) > switches.block_after and auth == "token":
            self.blocked_until = now + switches.block_seconds / self._account.factor
            refusals.clear()
            return blocked()
        headers = {"retry-after": "2"} if switches.retry_after else {}
        if switches.rejection_429 != "json":
            empty = switches.rejection_429 == "empty"
            return ApiError(429, "" if empty else "<html><body>429</body></html>", headers)
        body = {
            "success": False,
            "error": "Rate limit exceeded",
            "error_info": INFO,
            "data": None,
            "additional_data": None,
        }
        return ApiError(429, body, headers)

    def headers(self, auth: str, method: str, now: float, *, daily: bool) -> dict[str, str]:
        self._roll(now)
        window = self.burst(auth)
        found = {
            "x-ratelimit-limit": str(window.limit),
            "x-ratelimit-remaining": str(window.remaining(now)),
            "x-ratelimit-reset": str(math.ceil(window.reset_after(now))),
        }
        if daily:
            found["x-daily-ratelimit-token-limit"] = str(self.limit())
            found["x-daily-ratelimit-token-remaining"] = str(self.remaining())
        if method != "GET" and auth == "token":
            found["x-daily-requests-left"] = str(max(0, REQUESTS_PER_DAY - self.writes))
        return found

    def reset(self) -> None:
        """Forgets windows, refusals and blocks; the budget stays."""
        self._windows.clear()
        self._refusals.clear()
        self.blocked_until = 0.0
