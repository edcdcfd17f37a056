"""From the edit of a seed to the new plan_summary: `python -m bench.seed_edit --size 100000`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from bench.rows import Row, main
from migrate.diff.revisions import ROOMS
from sandbox.generator import AccountSpec, build_account
from sandbox.generator.spec import audiences_of
from sandbox.landed import write

ROOT = Path(__file__).resolve().parents[1]
TO_THE_PLAN = "+plan_summary"
# what people edit most: seed, a text in it, what stands there afterwards
EDITS = (
    ("fields.csv, a write policy", "mapping/fields.csv", ",none,source_wins,", ",none,fill_empty,"),
    ("audience_labels.csv, a rank", "mapping/audience_labels.csv", "*,true,1000", "*,true,999"),
    ("store_settings.csv, a name", "decisions/store_settings.csv", "_on\n", "_on\n{store}\n"),
    ("order_statuses.csv, a status", "mapping/order_statuses.csv", "open,", "opened,"),
    ("tier_rules.csv, a rule", "mapping/tier_rules.csv", "1,persona,,,\n", ""),
)
STORE = (
    "select min(store_id) || ',,,,,A new name,somebody,2026-01-01'"
    " from intermediate.int_stores_configured"
)


def measure(size: int) -> Iterator[Row]:
    """A generated account is written straight into the raw tables and built to plan_summary. Then
    seeds are edited one after the other, and after each dbt builds what its state comparison says
    has changed since the edit before, as far as plan_summary needs it; without tests, in the same
    target folder, so that only what changed is parsed. The baseline is the whole build of this
    run."""
    with tempfile.TemporaryDirectory(prefix="seed-edit-") as name:
        folder = Path(name)
        write(
            build_account(AccountSpec(personas=size, audiences=audiences_of(size))),
            folder / "warehouse.duckdb",
        )
        project = _project(folder / "project")
        whole = _build(project, folder, "--select", TO_THE_PLAN)
        state = folder / "state"
        state.mkdir()
        changed = ("--select", f"state:modified+,{TO_THE_PLAN}", "--state", str(state))
        for what, seed, text, instead in EDITS:
            shutil.copy(folder / "target" / "manifest.json", state)
            _edit(project / "seeds" / seed, text, instead.format(store=_store(folder)))
            wall, processor = _build(project, folder, *changed)
            beside = "building all of it"
            yield Row(f"{what}: wall", wall, "s", beside, whole[0], "30 s at 100,000")
            yield Row(f"{what}: processor", processor, "s", beside, whole[1])


def _edit(seed: Path, text: str, instead: str) -> None:
    before = seed.read_text(encoding="utf-8")
    if text not in before:
        raise SystemExit(f"{seed.name} has no {text!r} any more: choose another edit")
    seed.write_text(before.replace(text, instead, 1), encoding="utf-8")


def _store(folder: Path) -> str:
    """A line of store_settings.csv that renames a store of this account."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        (line,) = warehouse.execute(STORE).fetchall()[0]
    return str(line)


def _project(place: Path) -> Path:
    """The dbt project by itself, so that its seeds can be edited."""
    place.mkdir()
    for room in ROOMS:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, place / room)
        elif (ROOT / room).exists():
            shutil.copy(ROOT / room, place / room)
    return place


def _build(project: Path, folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    command = [
        # without the debug log, as aiq2pd runs it
        *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet"),
        *("--log-level-file", "none", "build", *arguments),
        *("--exclude-resource-type", "test", "unit_test", "--target-path", str(folder / "target")),
        *("--profiles-dir", "profiles", "--log-path", str(folder / "logs")),
    ]
    environment = {**os.environ, "AIQ2PD_DATA_DIR": str(folder), "DO_NOT_TRACK": "1"}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=project, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"dbt ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(measure)
