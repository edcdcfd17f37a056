"""One load in a process of its own, so that its peak memory is the loader's alone.

    python -m bench.loading TASK.json     # {"account": {...}, "plan": folder, "ledger": file}

Preflight with its canary, apply, closing sweep; prints one JSON object: exit code, tokens by run
and endpoint, peak memory in MiB.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from bench.planned import ROOT, Served
from bench.processes import peak_memory
from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import apply
from load.ledger import Ledger
from load.plan import FrozenPlan, open_plan
from load.preflight import preflight
from load.progress import Silent
from load.settings import PipedriveAccount
from load.sweep import sweep

_LONGEST: Final = 3_600.0


def load_apart(company: Served, plan: FrozenPlan, folder: Path) -> dict[str, Any]:
    """Loads a plan in another process. Gives what it printed."""
    task = folder / "task.json"
    task.write_text(
        json.dumps(
            {
                "account": company.settings(),
                "plan": str(plan.folder),
                "ledger": str(folder / "data" / "ledger.sqlite"),
            }
        ),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "bench.loading", str(task)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LONGEST
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["exit_code"]:
        raise SystemExit(f"the load ended with {found['exit_code']}: {found['message']}")
    return found


async def _load(task: dict[str, Any]) -> dict[str, Any]:
    account, clock = PipedriveAccount(**task["account"]), RealClock()
    plan = open_plan(Path(task["plan"]))
    with Ledger.open(Path(task["ledger"]), "a key of the bench") as ledger:
        common: dict[str, Any] = {"settings": account, "clock": clock, "progress": Silent()}
        async with PipedriveClient(account, ledger, clock) as client:
            checked = await preflight(plan, ledger, client, watch_seconds=0.1, **common)
            if checked.red:
                raise SystemExit(str(checked.red))
        async with PipedriveClient(account, ledger, clock) as client:
            result = await apply(plan, ledger, client, **common)
        async with PipedriveClient(account, ledger, clock) as client:
            await sweep(ledger, client, **common)
        used = ledger.db.execute(
            "select kind, token_use.entity, endpoint, sum(token_use.calls), sum(tokens)"
            " from token_use join runs using (run_id) group by 1, 2, 3 order by 1, 2, 3"
        ).fetchall()
    return {
        "exit_code": result.exit_code,
        "message": result.message,
        "used": [list(row) for row in used],
        "peak_memory_mib": peak_memory(),
    }


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(asyncio.run(_load(given))))
