"""Changes an account's fields in a process of its own, so that a test can kill it at a point."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from load.client import PipedriveClient
from load.clock import RealClock
from load.ledger import Ledger
from load.plan import open_plan
from load.progress import Silent
from load.run import Run
from load.schema import change_schema
from load.settings import PipedriveAccount


async def main(task: dict) -> None:
    account = PipedriveAccount(**task["account"])
    plan = open_plan(Path(task["plan"]))
    with Ledger.open(Path(task["ledger"]), task["key"]) as ledger:
        async with PipedriveClient(account, ledger) as client:
            run = Run(plan, ledger, client, account, RealClock(), Silent(), lambda _entity: None)
            ledger.start_run("provision", plan_digest=plan.digest, code_version="1")
            await change_schema(run, replace=False, prune=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
