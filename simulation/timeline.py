"""Virtual time for asyncio: waiting costs nothing, and the order of events is always the same.

The loop's clock jumps to the next timer as soon as nothing is ready. Seconds are virtual; the
epoch is `BEGINS`. Raises `RuntimeError` if everything waits for something that never comes.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sandbox.core import MovableClock

BEGINS: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
T = TypeVar("T")


class Timeline:
    """The one clock of a simulated world, in the form that the loader wants."""

    def __init__(self) -> None:
        self.seconds = 0.0
        # how far somebody has set the loader's wall clock; the company keeps its own time
        self.set_by = 0.0

    def now(self) -> datetime:
        return BEGINS + timedelta(seconds=self.seconds + self.set_by)

    def monotonic(self) -> float:
        return self.seconds

    def stamp(self) -> float:
        """Epoch seconds."""
        return BEGINS.timestamp() + self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ServerClock(MovableClock):
    """The same time in the form that the sandbox wants."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def now(self) -> float:
        return self._timeline.stamp() + self.offset


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for the next timer it moves the clock there."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                message = "the simulated world waits for something that never comes"
                raise RuntimeError(message)
            self._timeline.seconds += max(timeout, 0.0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        super().__init__(_Jumping(timeline))

    def time(self) -> float:
        return self._timeline.seconds


def run_in(timeline: Timeline, story: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: _Loop(timeline)) as runner:
        return runner.run(story)
