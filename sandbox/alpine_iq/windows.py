"""The three rate windows of an account: 5 in a second, 120 in a minute, 2,000 in an hour.

Only calls that were let through count. A factor shortens all three windows alike, so that a
rehearsal is faster and keeps its shape. Times are epoch seconds of the account's clock.
Raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sandbox.limits import SlidingWindow

LIMITS: Final = ((5, 1.0), (120, 60.0), (2000, 3600.0))


class RateWindows:
    """Counts calls by account."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._by_uid: dict[str, tuple[SlidingWindow, ...]] = {}

    def _of(self, uid: str) -> tuple[SlidingWindow, ...]:
        windows = self._by_uid.get(uid)
        if windows is None:
            windows = tuple(SlidingWindow(count, span, self.factor) for count, span in LIMITS)
            self._by_uid[uid] = windows
        return windows

    def remember(self, uid: str, instants: Iterable[float]) -> None:
        """Counts calls of before a restart."""
        windows = self._of(uid)
        for instant in instants:
            for window in windows:
                window.take(instant)

    def admit(self, uid: str, now: float) -> float:
        """0 when the call may pass, and it counts; else the seconds until one may."""
        windows = self._of(uid)
        full = [window for window in windows if not window.has_room(now)]
        if full:
            return max(window.reset_after(now) for window in full)
        for window in windows:
            window.take(now)
        return 0.0

    def used(self, uid: str, now: float) -> list[dict[str, float]]:
        """How full each window is."""
        return [
            {
                "limit": window.limit,
                "seconds": window.seconds,
                "used": window.limit - window.remaining(now),
            }
            for window in self._of(uid)
        ]
