"""Sliding windows: at most `limit` calls within the last `seconds`.

Times are epoch seconds from the caller's clock. A factor above 1 shortens the window, so that
a rehearsal runs faster with the same shape. Memory is bounded by the limit. Raises nothing.
"""

from __future__ import annotations

from collections import deque


class SlidingWindow:
    """Remembers the instants of the calls that it let through."""

    def __init__(self, limit: int, seconds: float, factor: float = 1.0) -> None:
        self.limit = limit
        self.seconds = seconds / factor
        self._taken: deque[float] = deque()

    def _forget(self, now: float) -> None:
        oldest = now - self.seconds
        taken = self._taken
        while taken and taken[0] <= oldest:
            taken.popleft()

    def has_room(self, now: float) -> bool:
        self._forget(now)
        return len(self._taken) < self.limit

    def take(self, now: float) -> None:
        self._taken.append(now)

    def remaining(self, now: float) -> int:
        self._forget(now)
        return max(0, self.limit - len(self._taken))

    def reset_after(self, now: float) -> float:
        """Seconds until the oldest call leaves the window; 0 when the window is empty."""
        self._forget(now)
        return self._taken[0] + self.seconds - now if self._taken else 0.0

    def clear(self) -> None:
        self._taken.clear()
