"""The whole migration at one size: `python -m bench.migration --size 1000`."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.rows import Row, main
from load.plan import latest_plan

PHASES = ("extract", "build", "plan", "apply", "sweep", "verify", "report")


def measure(size: int) -> Iterator[Row]:
    """`aiq2pd demo` on a generated account: both services on this machine, all rate windows 60
    times faster than real ones, so that seconds say what our own work takes and not what the
    services' limits would. Each phase against dbt's start-up alone (`dbt build` of nothing, three
    of which a migration needs); calls and tokens against the fewest that the plan needs."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        environment = {**os.environ, "AIQ2PD_DATA_DIR": str(data_dir)}
        command = [str(Path(sys.executable).with_name("aiq2pd")), "demo", "--personas", str(size)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        steps = {name: _step(data_dir, name) for name in PHASES}
        nothing = _dbt_alone(environment)
        for name, step in steps.items():
            yield Row(name, step["seconds"], "s", "starting dbt and building nothing", nothing)
        extract = steps["extract"]["facts"]
        yield Row(
            "calls of the extraction",
            extract["calls"],
            "calls",
            "the fewest possible",
            extract["fewest possible calls"],
            "1",
        )
        yield from _tokens(data_dir)


def _step(data_dir: Path, name: str) -> dict[str, Any]:
    step: dict[str, Any] = json.loads((data_dir / "steps" / f"{name}.json").read_text("utf-8"))
    return step


def _dbt_alone(environment: dict[str, str]) -> float:
    """Seconds of a build that selects one view of constants."""
    began = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-write-json", "build"),
            *("--select", "plan_limits", "--profiles-dir", "profiles"),
            *("--target-path", f"{environment['AIQ2PD_DATA_DIR']}/dbt"),
        ],
        env=environment,
        check=True,
    )
    return time.perf_counter() - began


def _tokens(data_dir: Path) -> Iterator[Row]:
    """What the ledger counted against what the frozen plan asked for."""
    plan = latest_plan(data_dir / "plans")
    if plan is None:
        raise SystemExit("the demo left no plan")
    with closing(sqlite3.connect(f"file:{data_dir / 'ledger.sqlite'}?mode=ro", uri=True)) as db:
        writes, calls = db.execute(
            "select sum(tokens), sum(token_use.calls) from token_use join runs using (run_id)"
            " where kind = 'apply' and endpoint not like 'GET %' and entity <> 'canary'"
        ).fetchone()
        everything = db.execute("select sum(tokens) from token_use").fetchone()[0]
    forecast = float(plan.manifest["tokens"])
    yield Row("tokens of the load's writes", writes, "tokens", "the plan's forecast", forecast, "1")
    yield Row(
        "tokens of the migration, reads and canary included",
        everything,
        "tokens",
        "the plan's forecast",
        forecast,
    )
    yield Row("write calls of the load", calls, "calls")


if __name__ == "__main__":
    main(measure)
