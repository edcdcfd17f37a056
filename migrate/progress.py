"""Progress on stderr: bars with an estimate on a terminal, a few plain lines elsewhere.

Satisfies the Protocol of `load.progress` (start, advance, finish). A plain line appears when a
task starts and ends and at most every ten seconds between, so that logs stay short.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from load.progress import Progress

PLAIN_LINE_SECONDS = 10.0


@dataclass(slots=True)
class _Task:
    total: int | None
    began: float
    said: float
    done: int = 0


@dataclass(slots=True)
class PlainLines:
    """For logs and pipes."""

    out: TextIO
    clock: Callable[[], float] = time.monotonic
    tasks: dict[str, _Task] = field(default_factory=dict)

    def start(self, task: str, total: int | None) -> None:
        now = self.clock()
        if task not in self.tasks:
            self._say(f"{task} ..." if total is None else f"{task}: {total} to do")
        self.tasks[task] = _Task(total, now, now)

    def advance(self, task: str, n: int = 1, note: str = "") -> None:
        state = self.tasks.get(task)
        if state is None:
            return
        state.done += n
        now = self.clock()
        if now - state.said >= PLAIN_LINE_SECONDS:
            state.said = now
            self._say(f"{task}: {_of(state)}{_left(state, now)}{note and f' ({note})'}")

    def finish(self, task: str) -> None:
        state = self.tasks.pop(task, None)
        if state is not None:
            self._say(f"{task}: {_of(state)}, {self.clock() - state.began:.1f} s")

    def _say(self, line: str) -> None:
        self.out.write(line + "\n")
        self.out.flush()


@dataclass(slots=True)
class RichBars:
    """For terminals."""

    bars: Bars
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def start(self, task: str, total: int | None) -> None:
        if task in self.tasks:
            self.bars.update(self.tasks[task], total=total)
        else:
            self.tasks[task] = self.bars.add_task(task, total=total, note="")

    def advance(self, task: str, n: int = 1, note: str = "") -> None:
        if task in self.tasks:
            self.bars.update(self.tasks[task], advance=n, note=note)

    def finish(self, task: str) -> None:
        if task in self.tasks:
            identity = self.tasks.pop(task)
            bar = next(one for one in self.bars.tasks if one.id == identity)
            self.bars.update(bar.id, total=bar.completed or 1, completed=bar.completed or 1)
            self.bars.stop_task(bar.id)


@contextmanager
def shown_on(out: TextIO, *, quiet: bool = False) -> Iterator[Progress]:
    """Bars when `out` is a terminal, lines when it is not, nothing when quiet."""
    if quiet:
        from load.progress import Silent

        yield Silent()
    elif not out.isatty():
        yield PlainLines(out)
    else:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=Console(file=out)) as bars:
            yield RichBars(bars)


def _of(state: _Task) -> str:
    if state.total is None:
        return str(state.done) if state.done else "done"
    return f"{state.done} of {state.total}"


def _left(state: _Task, now: float) -> str:
    if not state.total or not state.done:
        return ""
    seconds = (now - state.began) * (state.total - state.done) / state.done
    return f", about {seconds:.0f} s left"
