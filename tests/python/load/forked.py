"""Loads and undoes in forked processes over one sandbox company, for tests that disturb them.

A task (JSON) names the account, the ledger and the company's copy to begin with, and the jobs. A
process that hangs is ended by its own alarm, so nothing here waits without a limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import traceback
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from load import crashpoints, finished
from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import apply
from load.ledger import Ledger
from load.plan import open_plan
from load.progress import Silent
from load.settings import PipedriveAccount
from load.undo import Selection, undo

LONGEST_RUN = 60
finished.SMALLEST = 1  # so that a resumed run passes over what is done, as with a large plan
BEGINNING = "beginning"


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


@dataclass(frozen=True, slots=True)
class Job:
    """What a process does: `apply` a plan, or `undo` everything, fields too if asked for."""

    what: str
    plan: Path
    fields: bool = False


class Forked:
    """Starts jobs, each in a process of its own; puts ledger and company back as they were."""

    def __init__(self, task: dict[str, Any], folder: Path) -> None:
        self.account = PipedriveAccount(**task["account"])
        self.beginning = Path(task["ledger"])
        self.key = task["key"]
        self.uploads = Path(task["uploads"]) if "uploads" in task else None
        self.folder = folder
        self.ledger = folder / "disturbed" / "ledger.sqlite"
        self.ends: dict[str, Counter[str]] = {}
        self._door = task["account"]["base_url"]

    def door(self, name: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self._door}/_sandbox/{name}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=LONGEST_RUN) as answer:  # noqa: S310
            return json.load(answer)

    def begin(self) -> None:
        """Ledger and company as they were before the first job."""
        self.door("restore", {"name": BEGINNING})
        shutil.rmtree(self.ledger.parent, ignore_errors=True)
        if self.beginning.parent.is_dir():
            shutil.copytree(self.beginning.parent, self.ledger.parent)

    def remember(self, name: str) -> None:
        """What the company holds now: later ends are compared with it."""
        self.ends[name] = self._lines()

    def differs_from(self, name: str) -> str:
        """How the company differs from what it held then; empty if it does not."""
        now, then = self._lines(), self.ends[name]
        lines = [f"- {line}" for line in (then - now).elements()]
        lines += [f"+ {line}" for line in (now - then).elements()]
        return f"ends differently: {'; '.join(lines)[:2_000]}" if lines else ""

    def _lines(self) -> Counter[str]:
        with urllib.request.urlopen(f"{self._door}/_sandbox/dump", timeout=LONGEST_RUN) as answer:  # noqa: S310
            return Counter(answer.read().decode().splitlines())

    def start(self, job: Job, *, crashpoint: str = "", dies_at: int = 0) -> int:
        """The process id of the job, which runs."""
        self._said.unlink(missing_ok=True)
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.alarm(LONGEST_RUN)
            self._said.write_text(json.dumps(asyncio.run(self._run(job, crashpoint, dies_at))))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
            traceback.print_exc()
            os._exit(1)

    def ended(self, pid: int) -> dict[str, Any] | None:
        """What the job said at its end; None if it was killed."""
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status == -signal.SIGKILL:
            return None
        if status:
            raise RuntimeError(f"a run ended with {status}")
        found: dict[str, Any] = json.loads(self._said.read_text())
        return found

    def run(self, job: Job, *, crashpoint: str = "", dies_at: int = 0) -> dict[str, Any] | None:
        return self.ended(self.start(job, crashpoint=crashpoint, dies_at=dies_at))

    def calm(self, job: Job) -> dict[str, Any]:
        """A run that nobody disturbs, which has to end well."""
        found = self.run(job)
        if found is None or found["exit_code"]:
            raise RuntimeError(f"the run that nobody disturbs ended with {found}")
        return found

    @property
    def _said(self) -> Path:
        return self.folder / "said.json"

    async def _run(self, job: Job, crashpoint: str, dies_at: int) -> dict[str, Any]:
        os.environ["LOAD_CRASHPOINT"] = crashpoint
        transport = CountsWrites(dies_at)
        plan = open_plan(job.plan)
        common: dict[str, Any] = {
            "settings": self.account, "clock": RealClock(), "progress": Silent()
        }  # fmt: skip
        with Ledger.open(self.ledger, self.key) as ledger:
            async with PipedriveClient(self.account, ledger, transport=transport) as client:
                if job.what == "apply":
                    applied = await apply(
                        plan, ledger, client, uploads_folder=self.uploads, **common
                    )
                    exit_code, message = applied.exit_code, applied.message
                else:
                    selection = Selection(everything=True, fields=job.fields)
                    undone = await undo(
                        selection, plan, ledger, client, agree=lambda _plan: True, **common
                    )
                    exit_code, message = undone.exit_code, undone.message
        return {
            "exit_code": exit_code,
            "message": message,
            "passed": dict(crashpoints.passed),
            "writes": len(transport.writes),
        }
