"""Undoes in a process of its own, so that a test can kill it at a chosen instruction."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from load.client import PipedriveClient
from load.clock import RealClock
from load.ledger import Ledger
from load.plan import latest_plan
from load.progress import Silent
from load.settings import PipedriveAccount
from load.undo import Selection, undo


async def main(task: dict) -> int:
    account = PipedriveAccount(**task["account"])
    with Ledger.open(Path(task["ledger"]), task["key"]) as ledger:
        async with PipedriveClient(account, ledger) as client:
            result = await undo(
                Selection(**task["selection"]),
                latest_plan(Path(task["plans"])),
                ledger,
                client,
                settings=account,
                clock=RealClock(),
                progress=Silent(),
                agree=lambda _plan: True,
            )
    return result.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()))))
