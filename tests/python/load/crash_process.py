"""Kills a load or an undo at every write point, each time in a forked process of its own.

The task (a JSON file) names account, plan, ledger to begin with, what is done, and which points
are wanted. Every point is: restore, fork, run until SIGKILL, fork, run to the end, compare. The
answer, one JSON line: the points tried and what went wrong at which.

(a) `create|update|undo|provision.before_intent`
(b) `call.before_send`: intent committed, not sent
(c) the n-th write's answer is on its way
(d) `call.answered`: outcome not committed
(e) `settle.before_commit` of a second run, the first having died in doubt
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.python.load.forked import Forked, Job

AT_ANSWER = "server acted, answer lost"
IN_DOUBT = "create.after_answer"
THEN = " then "
UNDISTURBED = "never-killed"


def points_of(calm: dict[str, Any]) -> list[str]:
    """Every point that an undisturbed run passed, every answer, and settling after each doubt."""
    named = [
        f"{place}#{number}"
        for place, times in sorted(calm["passed"].items())
        for number in range(1, times + 1)
    ]
    answers = [f"{AT_ANSWER}#{number}" for number in range(1, calm["writes"] + 1)]
    entities = [place.partition(":")[2] for place in calm["passed"] if place.startswith(IN_DOUBT)]
    settling = [f"{IN_DOUBT}:{one}#1{THEN}settle.before_commit:{one}#1" for one in sorted(entities)]
    return named + answers + settling


def main(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    forked = Forked(task, folder)
    job = Job(task["what"], Path(task["plan"]))
    forked.begin()
    calm = forked.calm(job)
    wanted = tuple(task["only"])
    points = [one for one in points_of(calm) if not wanted or any(name in one for name in wanted)]
    forked.remember(UNDISTURBED)
    wrong: dict[str, str] = {}
    for point in points:
        if problem := _tried(forked, job, point):
            wrong[point] = problem
    return {"points": points, "writes": calm["writes"], "wrong": wrong}


def _tried(forked: Forked, job: Job, point: str) -> str:
    """Killed there, run again, compared. Gives what is wrong, or an empty text."""
    forked.begin()
    for place in point.split(THEN):
        name, number = place.rsplit("#", 1)
        at_answer = int(number) if name == AT_ANSWER else 0
        if forked.run(job, crashpoint="" if at_answer else place, dies_at=at_answer) is not None:
            return f"was not killed at {place}"
    resumed = forked.run(job)
    if resumed is None or resumed["exit_code"]:
        return f"resumed with {resumed}"
    if problem := forked.differs_from(UNDISTURBED):
        return problem
    again = forked.run(job)
    return "" if again and not again["writes"] else f"a run after the end wrote: {again}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.stdout.write(json.dumps(main(json.loads(place.read_text()), place.parent)))
