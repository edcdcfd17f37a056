"""Deciding every write, and freezing the decision: `python -m bench.plan --size 100000`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from bench.dbt_build import ROOT
from bench.rows import Row, main
from sandbox import process
from sandbox.generator import AccountSpec, build_account
from sandbox.generator.spec import audiences_of
from sandbox.landed import write

AIQ2PD = str(Path(sys.executable).with_name("aiq2pd"))


def measure(size: int) -> Iterator[Row]:
    """A generated account is written straight into the raw tables and built to the marts, without
    tests. Then `aiq2pd plan` of a first load, with an empty Pipedrive (the sandbox): read it, build
    the plan models with their tests in one dbt process, freeze every row. The baseline is the build
    of the marts in this run."""
    with tempfile.TemporaryDirectory(prefix="plan-") as name:
        data_dir = Path(name)
        account = build_account(AccountSpec(personas=size, audiences=audiences_of(size)))
        write(account, data_dir / "warehouse.duckdb")
        info = process.up(data_dir / "sandbox", personas=40, seed=7, window_scale=600)
        environment = {
            **os.environ,
            **info.environment(),
            "AIQ2PD_DATA_DIR": name,
            "DO_NOT_TRACK": "1",
        }
        try:
            marts = _run(environment, *_dbt(data_dir, "--selector", "build"))
            plan = _run(environment, AIQ2PD, "plan")
        finally:
            process.down(data_dir / "sandbox")
        with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
            (rows,) = warehouse.execute("select count(*) from plan.plan_records").fetchall()[0]
    beside = "dbt build to the marts, without tests"
    yield Row("rows of the plan", rows, "rows")
    yield Row("aiq2pd plan, wall", plan[0], "s", beside, marts[0])
    yield Row("aiq2pd plan, processor", plan[1], "s", beside, marts[1])
    yield Row("rows planned a processor second", rows / plan[1], "/s")


def _dbt(folder: Path, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "build", *arguments),
        *("--exclude-resource-type", "test", "unit_test", "--profiles-dir", "profiles"),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
    ]


def _run(environment: dict[str, str], *command: str) -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    began = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command[1:4])} ended with {child.returncode}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(measure)
