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

from bench.rows import Row, main
from migrate.diff.revisions import ROOMS
from sandbox.generator import AccountSpec, build_account
from sandbox.generator.spec import audiences_of
from sandbox.landed import write

ROOT = Path(__file__).resolve().parents[1]
TO_THE_PLAN = "+plan_summary"
EDITED = "seeds/mapping/tier_rules.csv"


def measure(size: int) -> Iterator[Row]:
    """A generated account is written straight into the raw tables and built to plan_summary. Then
    one line of tier_rules.csv is changed and dbt builds what its state comparison says has changed,
    as far as plan_summary needs it; without tests, in the same target folder, so that only what
    changed is parsed. The baseline is the whole build of this run."""
    with tempfile.TemporaryDirectory(prefix="seed-edit-") as name:
        folder = Path(name)
        write(
            build_account(AccountSpec(personas=size, audiences=audiences_of(size))),
            folder / "warehouse.duckdb",
        )
        project = _project(folder / "project")
        whole = _build(project, folder, "--select", TO_THE_PLAN)
        (folder / "state").mkdir()
        shutil.copy(folder / "target" / "manifest.json", folder / "state")
        seed = project / EDITED
        lines = seed.read_text(encoding="utf-8").splitlines()
        seed.write_text("\n".join([lines[0], *lines[2:]]) + "\n", encoding="utf-8")
        changed = f"state:modified+,{TO_THE_PLAN}"
        edited = _build(project, folder, "--select", changed, "--state", str(folder / "state"))
    beside = "building all of it"
    yield Row(
        "seed edit to plan_summary, wall", edited[0], "s", beside, whole[0], "30 s at 100,000"
    )
    yield Row("seed edit to plan_summary, processor", edited[1], "s", beside, whole[1])


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
        *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "build", *arguments),
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
