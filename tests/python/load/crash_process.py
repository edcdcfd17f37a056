"""Kills the loader at every write point of one run, each time in a forked process of its own.

The task (a JSON file) names account, plan, ledger to begin with, the sandbox's copy to begin with
and which points are wanted. Every point is: restore both, fork, run until SIGKILL, fork, run to
the end, compare. The answer, one JSON line: the points tried and what went wrong at which.

(a) `create|update|provision.before_intent`  (b) `call.before_send`: intent committed, not sent
(c) the n-th write's answer is on its way     (d) `call.answered`: outcome not committed
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import traceback
import urllib.request
from pathlib import Path
from typing import Any

import httpx

from load import crashpoints
from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import apply
from load.ledger import Ledger
from load.plan import FrozenPlan, open_plan
from load.progress import Silent
from load.settings import PipedriveAccount

AT_ANSWER = "server acted, answer lost"


class CountsWrites(httpx.AsyncHTTPTransport):
    """Kills the process when the answer to the n-th write has begun to arrive."""

    def __init__(self, dies_at: int = 0) -> None:
        super().__init__()
        self.dies_at = dies_at
        self.writes: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if request.method != "GET":
            self.writes.append(f"{request.method} {request.url.path}")
            if len(self.writes) == self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return response


class Matrix:
    """One plan over one beginning."""

    def __init__(self, task: dict[str, Any], folder: Path) -> None:
        self.account = PipedriveAccount(**task["account"])
        self.plan: FrozenPlan = open_plan(Path(task["plan"]))
        self.beginning = Path(task["ledger"])
        self.copy = task["copy"]
        self.key = task["key"]
        self.folder = folder
        self.ledger = folder / "killed" / "ledger.sqlite"

    def door(self, name: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.account.base_url}/_sandbox/{name}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def begin(self) -> None:
        """Ledger and company as they were before the run."""
        self.door("restore", {"name": self.copy})
        shutil.rmtree(self.ledger.parent, ignore_errors=True)
        if self.beginning.parent.is_dir():
            shutil.copytree(self.beginning.parent, self.ledger.parent)

    def run(self, *, crashpoint: str = "", dies_at: int = 0) -> dict[str, Any] | None:
        """One run in a process of its own; None if it was killed."""
        said = self.folder / "said.json"
        said.unlink(missing_ok=True)
        pid = os.fork()
        if not pid:
            try:
                said.write_text(json.dumps(asyncio.run(self._apply(crashpoint, dies_at))))
                os._exit(0)
            except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
                traceback.print_exc()
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status == -signal.SIGKILL:
            return None
        if status:
            raise RuntimeError(f"a run ended with {status}")
        found: dict[str, Any] = json.loads(said.read_text())
        return found

    async def _apply(self, crashpoint: str, dies_at: int) -> dict[str, Any]:
        os.environ["LOAD_CRASHPOINT"] = crashpoint
        transport = CountsWrites(dies_at)
        with Ledger.open(self.ledger, self.key) as ledger:
            async with PipedriveClient(self.account, ledger, transport=transport) as client:
                result = await apply(
                    self.plan,
                    ledger,
                    client,
                    settings=self.account,
                    clock=RealClock(),
                    progress=Silent(),
                )
        return {
            "exit_code": result.exit_code,
            "message": result.message,
            "passed": dict(crashpoints.passed),
            "writes": len(transport.writes),
        }


def points_of(calm: dict[str, Any]) -> list[str]:
    """Every point that an undisturbed run passed, and every answer to a write."""
    named = [
        f"{place}#{number}"
        for place, times in sorted(calm["passed"].items())
        for number in range(1, times + 1)
    ]
    return named + [f"{AT_ANSWER}#{number}" for number in range(1, calm["writes"] + 1)]


def main(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    matrix = Matrix(task, folder)
    matrix.begin()
    calm = matrix.run()
    if calm is None or calm["exit_code"]:
        raise RuntimeError(f"the run that nobody kills ended with {calm}")
    wanted = tuple(task["only"])
    points = [one for one in points_of(calm) if not wanted or any(name in one for name in wanted)]
    matrix.door("snapshot", {"name": "never-killed"})
    wrong: dict[str, str] = {}
    for point in points:
        if problem := _tried(matrix, point):
            wrong[point] = problem
    return {"points": points, "writes": calm["writes"], "wrong": wrong}


def _tried(matrix: Matrix, point: str) -> str:
    """Killed there, run again, compared. Gives what is wrong, or an empty text."""
    matrix.begin()
    name, number = point.rsplit("#", 1)
    at_answer = int(number) if name == AT_ANSWER else 0
    if matrix.run(crashpoint="" if at_answer else point, dies_at=at_answer) is not None:
        return "was not killed"
    resumed = matrix.run()
    if resumed is None or resumed["exit_code"]:
        return f"resumed with {resumed}"
    compared = matrix.door("compare", {"name": "never-killed"})
    if not compared["equal"]:
        return f"ends differently: {json.dumps(compared)[:1500]}"
    again = matrix.run()
    return "" if again and not again["writes"] else f"a run after the end wrote: {again}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.stdout.write(json.dumps(main(json.loads(place.read_text()), place.parent)))
