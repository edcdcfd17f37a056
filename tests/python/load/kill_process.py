"""Whole lives of a company (load, delta, undo) whose processes are killed at moments of chance.

Each job is started, killed after a random time, started again, until it ends by itself; then the
company is compared with the one that an undisturbed life had at that place. With `stopped` the
processes are not killed but stand still for longer than their timeouts, and go on.
The answer, one JSON line: kills by job, lives, and what went wrong with which seed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.python.load.forked import BEGINNING, Forked, Job

MOST_STARTS = 60


def jobs_of(task: dict[str, Any]) -> list[tuple[str, Job]]:
    load, delta = Path(task["plan"]), Path(task["delta"])
    return [
        ("load", Job("apply", load)),
        ("delta", Job("apply", delta)),
        ("undo", Job("undo", delta, fields=True)),
    ]


def main(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    lives = Lives(Forked(task, folder), jobs_of(task), task)
    lives.undisturbed()
    wrong: dict[int, str] = {}
    seed = int(task["seed"])
    while lives.hits.total() < task["kills"]:
        if problem := lives.disturbed(random.Random(seed)):
            wrong[seed] = problem
        seed += 1
    return {"hits": lives.hits, "lives": seed - int(task["seed"]), "wrong": wrong}


@dataclass(slots=True)
class Lives:
    """Lives of one company; seconds that each job takes when nobody disturbs it."""

    forked: Forked
    jobs: list[tuple[str, Job]]
    task: dict[str, Any]
    lengths: dict[str, float] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)

    def undisturbed(self) -> None:
        self.forked.begin()
        self.forked.remember(BEGINNING)
        for name, job in self.jobs:
            began = time.monotonic()
            self.forked.calm(job)
            self.lengths[name] = time.monotonic() - began
            self.forked.remember(f"after-{name}")
        if problem := self.forked.differs_from(BEGINNING):
            raise RuntimeError(f"the undo that nobody disturbs {problem}")

    def disturbed(self, chance: random.Random) -> str:
        """What went wrong in one life, or an empty text."""
        self.forked.begin()
        for name, job in self.jobs:
            if problem := self._to_the_end(name, job, chance):
                return f"{name}: {problem}"
        again = self.forked.calm(self.jobs[-1][1])
        return f"an undo after the end wrote: {again}" if again["writes"] else ""

    def _to_the_end(self, name: str, job: Job, chance: random.Random) -> str:
        disturb = _stop_for if self.task["stopped"] else _kill
        for start in range(MOST_STARTS):
            pid = self.forked.start(job)
            # longer each time: a run that has doubts to settle takes longer than a calm one
            time.sleep(chance.uniform(0.0, self.lengths[name] * (0.6 + start / 10)))
            self.hits[name] += disturb(pid, self.task)
            ended = self.forked.ended(pid)
            if ended is not None and ended["exit_code"] != 75:
                break
        else:
            return f"not done after {MOST_STARTS} starts"
        return (
            f"ended with {ended}"
            if ended["exit_code"]
            else self.forked.differs_from(f"after-{name}")
        )


def _kill(pid: int, _task: dict[str, Any]) -> bool:
    """False if it had ended before."""
    return _signalled(pid, signal.SIGKILL)


def _stop_for(pid: int, task: dict[str, Any]) -> bool:
    if not _signalled(pid, signal.SIGSTOP):
        return False
    time.sleep(task["stopped"])
    os.kill(pid, signal.SIGCONT)
    return True


def _signalled(pid: int, what: signal.Signals) -> bool:
    # not waited for yet, so that the id is still this process's
    gone = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    if not gone:
        os.kill(pid, what)
    return not gone


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.stdout.write(json.dumps(main(json.loads(place.read_text()), place.parent)))
