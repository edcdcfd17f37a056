"""One job through `cutting_proxy`, again and again, cut after another byte each time.

The task (a JSON file) names the job, the cuts that come before, and the exchange and the side to
be cut: at every byte of it, or at so many spread over it. Every cut is: restore, arm, fork, run
to the end (again where a run stops with 75), compare with the run that nobody cut.
The answer, one JSON line: how long the side is, the cuts made, and what went wrong at which byte.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.python.load.forked import Forked, Job

UNCUT = "uncut"
MOST_RUNS = 4
NEVER = 1_000_000_000
RESET_EVERY = 7
SIDES = ("request", "response")


class Proxy:
    """The proxy's process."""

    def __init__(self, server: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("cutting_proxy.py")), str(server)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())

    def ask(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return found

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def places(size: int, most: int | None) -> list[int]:
    """Every number of bytes from none to all, or `most` of them from first to last."""
    if most is None or most > size:
        return list(range(size + 1))
    return sorted({round(size * number / (most - 1)) for number in range(most)})


def main(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    forked, job = Forked(task, folder), Job("apply", Path(task["plan"]))
    proxy = Proxy(int(forked.account.base_url.rpartition(":")[2]))
    forked.account = replace(forked.account, base_url=f"http://127.0.0.1:{proxy.port}")
    try:
        return _all_cuts(forked, job, proxy, task)
    finally:
        proxy.stop()


def _all_cuts(forked: Forked, job: Job, proxy: Proxy, task: dict[str, Any]) -> dict[str, Any]:
    cut = {"begins": task["begins"], "side": task["side"]}
    forked.begin()
    proxy.ask(cuts=[*task["before"], {**cut, "after": NEVER}])
    forked.calm(job)
    sizes = proxy.ask(report=True)["sizes"][task["begins"]]
    forked.remember(UNCUT)
    size = sizes[SIDES.index(task["side"])]
    wrong: dict[int, str] = {}
    made = 0
    # an answer that passed whole is no cut, a request may pass whole and get no answer
    for after in places(size if task["side"] == "request" else size - 1, task["most"]):
        forked.begin()
        proxy.ask(cuts=[*task["before"], {**cut, "after": after, "reset": not after % RESET_EVERY}])
        problem = _to_the_end(forked, job)
        made += all(proxy.ask(report=True)["made"])
        if problem:
            wrong[after] = problem
    return {"size": size, "made": made, "wrong": wrong}


def _to_the_end(forked: Forked, job: Job) -> str:
    for _ in range(MOST_RUNS):
        ended = forked.run(job)
        if ended is None or ended["exit_code"] not in (0, 75):
            return f"ended with {ended}"
        if not ended["exit_code"]:
            return forked.differs_from(UNCUT)
    return f"not done after {MOST_RUNS} runs"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.stdout.write(json.dumps(main(json.loads(place.read_text()), place.parent)))
