"""A full verify at one size: `python -m bench.verification --size 100000`.

The parts of it one by one, where no turn of the machine is long enough for the whole:

    python -m bench.verification --folder STATE --step fill --size 100000
    python -m bench.verification --folder STATE --step read
    python -m bench.verification --folder STATE --step compare
    python -m bench.verification --folder STATE --step trace
    python -m bench.verification --folder STATE --step result
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from bench.multiplied import multiply, settle
from bench.processes import timed
from bench.rows import SMALLEST, Row, as_markdown, main
from sandbox import process

PERSONAS = 300
AIQ2PD = str(Path(sys.executable).with_name("aiq2pd"))
# what `aiq2pd verify` does before it compares, in a process of its own to be measured alone
READ_BACK: Final = """
from extract.pipedrive import read_back
from load.progress import Silent
from migrate.settings import Settings
from migrate.steps import open_ledger

settings = Settings()
with open_ledger(settings) as ledger:
    read_back(settings.pipedrive(), settings.data_dir, ledger=ledger, progress=Silent())
"""

SOMEBODY: Final = """
select ours.source_key,
    'https://' || binding.company_domain || '.pipedrive.com/person/' || ours.pipedrive_id,
    any_value(persons.emails[1].value)
from marts.mart_persons as persons
inner join ledger.id_map as ours
    on persons.source_key = ours.source_key and ours.entity = 'person'
cross join ledger.binding
where ours.state = 'confirmed' and len(persons.emails) > 0
group by all order by 1 limit 1
"""


def measure(size: int) -> Iterator[Row]:
    """The two halves of `aiq2pd verify`, read-back over HTTP and comparison in SQL, of an account
    that a migration of 300 personas filled and that was then multiplied in bulk, alike in marts,
    ledger and Pipedrive (the sandbox), up to the size in persons. Every field of every record is
    compared; all rate windows run 600 times faster than real ones. The comparison builds the plan
    anew, as the command does. The baseline is DuckDB reading the plan and the destination's values
    once."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        fill(state, size)
        read(state)
        compare(state)
        trace(state)
        yield from result(state)


def fill(state: Path, size: int) -> None:
    """Migrate a small account, multiply it, and settle the ledger on what the copies hold."""
    data_dir = state / "data"
    environment = {**os.environ, "AIQ2PD_DATA_DIR": str(data_dir)}
    if not (state / "small").exists():
        _call(environment, "demo", "--acts", "1", "--personas", str(PERSONAS))
        (state / "small").touch(mode=0o600)
    copies = multiply(data_dir, size)
    _with_sandbox(data_dir, [AIQ2PD, "verify", "--no-read-back"], may_fail=True)
    settle(data_dir)
    _keep(state, copies=copies)


def read(state: Path) -> None:
    """Read the whole account back."""
    spent = _with_sandbox(state / "data", [sys.executable, "-c", READ_BACK])
    _keep(state, read_back=spent)


def compare(state: Path) -> None:
    """Compare every field of every record. Ends the bench when a gate is red."""
    spent = _with_sandbox(state / "data", [AIQ2PD, "verify", "--no-read-back"])
    _keep(state, comparison=spent)


def trace(state: Path) -> None:
    """Ask for one person by each of the three keys that people have at hand."""
    data_dir = state / "data"
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(SOMEBODY).fetchone()
    if found is None:
        raise SystemExit("nobody with an address of their own crossed")
    key, link, email = found
    environment = {**os.environ, "AIQ2PD_DATA_DIR": str(data_dir)}
    given = {"source key": key, "link": link, "e-mail address": email}
    _keep(
        state,
        traces={
            name: _measured([AIQ2PD, "trace", one], environment) for name, one in given.items()
        },
    )


def result(state: Path) -> Iterator[Row]:
    """Rows of the figures that the steps kept."""
    kept = json.loads((state / "figures.json").read_text(encoding="utf-8"))
    yield from _compared(state / "data", kept["copies"])
    halves = (("read-back", kept["read_back"]), ("comparison", kept["comparison"]))
    for name, (wall, processor, memory) in halves:
        yield Row(f"{name}", wall, "s")
        yield Row(f"{name}, processor time", processor, "s")
        yield Row(f"{name}, peak memory of the process", memory, "MiB")
    for key, (wall, processor, _) in kept["traces"].items():
        yield Row(f"trace by {key}", wall, "s", aim="under 2")
        yield Row(f"trace by {key}, processor time", processor, "s")
    seconds = sum(wall for _, (wall, _, _) in halves)
    yield Row("verify, both halves", seconds, "s", "read once", _read_once(state / "data"))


def _keep(state: Path, **figures: object) -> None:
    file = state / "figures.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps({**kept, **figures}), encoding="utf-8")


def _call(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([AIQ2PD, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)


def _with_sandbox(
    data_dir: Path, command: list[str], *, may_fail: bool = False
) -> tuple[float, float, float]:
    """Wall and processor seconds and peak MiB of one command, while the servers run."""
    info = process.up(
        data_dir / "sandbox", personas=PERSONAS, seed=7, window_scale=600, plan="ultimate"
    )
    environment = {**os.environ, **info.environment(), "AIQ2PD_DATA_DIR": str(data_dir)}
    try:
        return _measured(command, environment, may_fail=may_fail)
    finally:
        process.down(data_dir / "sandbox")


def _measured(
    command: list[str], environment: dict[str, str], *, may_fail: bool = False
) -> tuple[float, float, float]:
    """Wall and processor seconds and peak MiB of one command."""
    took = timed(command, environment=environment)
    if took.code and not may_fail:
        raise SystemExit(f"{command[1][:20]} ended with {took.code}: are the copies alike?")
    return took.wall, took.processor, took.peak_mib


def _compared(data_dir: Path, copies: int) -> Iterator[Row]:
    """What was compared, and that all of it was found alike."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        counts = warehouse.execute(
            "select entity, in_destination from reconciliation.rec_counts order by phase"
        ).fetchall()
        (values,) = warehouse.execute(
            "select sum(record_count)::bigint from reconciliation.rec_field_comparison"
        ).fetchone() or (0,)
    yield Row("copies of the migrated account", copies, "")
    for entity, count in counts:
        yield Row(f"{entity.replace('_', ' ')}s compared", count, "records")
    yield Row("values compared", values, "values")


def _read_once(data_dir: Path) -> float:
    """Seconds that DuckDB takes to read both sides of the comparison once."""
    began = time.perf_counter()
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute("select bit_xor(hash(payload)) from plan.plan_records").fetchall()
        warehouse.execute(
            "select bit_xor(hash(value)) from plan.plan_destination_values"
        ).fetchall()
    return time.perf_counter() - began


STEPS: Final = ("fill", "read", "compare", "trace", "result")


def _step(arguments: argparse.Namespace) -> None:
    state = arguments.folder
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if arguments.step == "fill":
        fill(state, arguments.size)
    elif arguments.step == "read":
        read(state)
    elif arguments.step == "compare":
        compare(state)
    elif arguments.step == "trace":
        trace(state)
    else:
        sys.stdout.write(as_markdown(list(result(state))))


def _given() -> argparse.Namespace | None:
    """What was asked of one step; None when the whole bench is meant."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--size", type=int, default=SMALLEST)
    given, _ = parser.parse_known_args()
    return given if given.step and given.folder else None


if __name__ == "__main__":
    if asked := _given():
        _step(asked)
    else:
        main(measure)
