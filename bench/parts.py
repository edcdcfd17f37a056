"""The parts of the bench, and how one is run: a process of its own, its figures around its rows."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import duckdb

from bench.processes import timed
from bench.rows import SMALLEST

ROOT: Final = Path(__file__).resolve().parent.parent
LARGE: Final = 100_000
LARGEST: Final = 1_000_000

# in the order of a migration, with the sizes at which each part is measured (or worked out)
PARTS: Final[dict[str, tuple[int, ...]]] = {
    "landing": (SMALLEST, LARGE, LARGEST),
    "dbt_build": (SMALLEST, LARGE, LARGEST),
    "seed_edit": (SMALLEST, LARGE),
    "plan": (SMALLEST, LARGE),
    "beyond": (LARGEST,),
    "verification": (SMALLEST, LARGE),
    "guarantees": (SMALLEST, LARGE),
    "load": (SMALLEST, LARGE),
    "rate": (SMALLEST,),
    "migration": (SMALLEST,),
    "sandbox": (SMALLEST, LARGE),
}


def run(part: str, size: int) -> dict[str, Any] | None:
    """One part at one size: its rows and what the process took, its children included; None when
    it ended badly."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        command = [sys.executable, "-m", f"bench.{part}", "--size", str(size), "--rows", str(rows)]
        load = os.getloadavg()[0]
        took = timed(command)
        if took.code:
            return None
        found = json.loads(rows.read_text(encoding="utf-8"))
    return {
        "part": part,
        "size": size,
        **found,
        "wall_seconds": round(took.wall, 1),
        "processor_seconds": round(took.processor, 1),
        "peak_memory_mib": round(took.peak_mib),
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "commit": _commit(),
        "machine": machine(),
        "load_average": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def machine() -> str:
    """Cores, memory and versions; no name of a host."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def _commit() -> str:
    """The commit that was measured; a mark when files differ from it."""
    try:
        asked = ("git", "describe", "--always", "--dirty", "--exclude=*")
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout[
            :-1
        ]
    except (OSError, subprocess.CalledProcessError):
        return "no git"
