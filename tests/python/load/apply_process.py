"""Applies a plan in a process of its own, so that a test can kill it at a chosen instruction."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import httpx

from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import apply
from load.ledger import Ledger
from load.plan import open_plan
from load.progress import Silent
from load.settings import PipedriveAccount


class DiesAtAnswer(httpx.AsyncHTTPTransport):
    """Kills the process when the n-th answer to a write below a path has begun to arrive."""

    def __init__(self, path: str, number: int) -> None:
        super().__init__()
        self._path = path
        self._left = number

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if request.method != "GET" and request.url.path.endswith(self._path):
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        return response


async def main(task: dict) -> int:
    account = PipedriveAccount(**task["account"])
    dies = task["die_at_answer"]
    with Ledger.open(Path(task["ledger"]), task["key"]) as ledger:
        transport = DiesAtAnswer(*dies) if dies else None
        async with PipedriveClient(account, ledger, transport=transport) as client:
            result = await apply(
                open_plan(Path(task["plan"])),
                ledger,
                client,
                settings=account,
                clock=RealClock(),
                progress=Silent(),
                uploads_folder=Path(task["uploads"]),
            )
    return result.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()))))
