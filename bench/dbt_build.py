"""`dbt build` from landed rows to the marts, with all its data tests."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.processes import timed
from bench.rows import Row, main
from sandbox.generator import AccountSpec, build_account
from sandbox.generator.spec import audiences_of
from sandbox.landed import write

ROOT = Path(__file__).resolve().parents[1]
GROWTH = 10  # the smaller account, to see how the time grows
FEWEST = 500
DEAREST = 8  # models told by name
MEMORY_LIMIT = "6GB"  # for DuckDB: Python takes one beside it, and a machine may have eight


@dataclass(frozen=True, slots=True)
class Built:
    """One build: seconds on the wall and of the processor, resident memory in GiB at its peak."""

    orders: int
    lines: int
    wall: float
    processor: float
    peak: float
    models: dict[str, float]  # seconds on the wall by model


def measure(size: int) -> Iterator[Row]:
    """A generated account with its dirt (about three orders a contact, two to three lines an order)
    is written straight into the raw tables. Then one dbt process builds staging, intermediate,
    marts, quarantine and discovery and runs their data tests, as `aiq2pd build` does; DuckDB is
    held to 6 GB (AIQ2PD_MEMORY_LIMIT). Beside it stands the build of an account a tenth the size in
    the same run, to see how time grows. Last the models that took longest.
    """
    smaller = built(max(size // GROWTH, FEWEST))
    whole = built(size)
    beside = f"a tenth the contacts, times {GROWTH}"
    yield Row("orders", whole.orders, "")
    yield Row("order lines", whole.lines, "")
    yield Row(
        "dbt build, wall", whole.wall, "s", beside, smaller.wall * GROWTH, "300 s at 1,000,000"
    )
    yield Row("dbt build, processor", whole.processor, "s", beside, smaller.processor * GROWTH)
    yield Row("dbt build, peak memory", whole.peak, "GiB", aim="8 GiB at 1,000,000")
    yield Row("contacts a processor second", size / whole.processor, "/s")
    for name in sorted(whole.models, key=whole.models.__getitem__, reverse=True)[:DEAREST]:
        seconds, less = whole.models[name], smaller.models.get(name, 0)
        yield Row(f"{name}, wall", seconds, "s", beside, less * GROWTH)


def built(contacts: int) -> Built:
    """Land an account of that size and build it, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="dbt-build-") as name:
        folder = Path(name)
        spec = AccountSpec(personas=contacts, audiences=audiences_of(contacts))
        write(build_account(spec), folder / "warehouse.duckdb")
        wall, processor, peak = run_dbt(folder)
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
            orders, lines = warehouse.execute(
                "select count(*), sum(line_count) from intermediate.int_orders_rolled_up"
            ).fetchall()[0]
        models = seconds_by_model(folder)
    return Built(orders, int(lines), wall, processor, peak, models)


def seconds_by_model(folder: Path) -> dict[str, float]:
    """What dbt noted about its last run in that folder."""
    noted = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return {
        one["unique_id"].rpartition(".")[2]: one["execution_time"]
        for one in noted["results"]
        if one["unique_id"].startswith("model.")
    }


def run_dbt(folder: Path) -> tuple[float, float, float]:
    """What one `dbt build` over the folder's warehouse took; its log is shown if it fails."""
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "build", "--selector", "build"),
        *("--exclude-resource-type", "unit_test", "--profiles-dir", str(ROOT / "profiles")),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
    ]
    environment = {
        **os.environ,
        "AIQ2PD_DATA_DIR": str(folder),
        "AIQ2PD_MEMORY_LIMIT": MEMORY_LIMIT,
        "DO_NOT_TRACK": "1",
    }
    with (folder / "build.log").open("w") as log:
        took = timed(command, environment=environment, output=log)
    if took.code:
        raise SystemExit((folder / "build.log").read_text(encoding="utf-8")[-3000:])
    return took.wall, took.processor, took.peak_mib / 1024


if __name__ == "__main__":
    main(measure)
