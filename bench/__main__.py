"""`python -m bench [--size N ...] [part ...]`: run parts, keep their rows, rewrite the document.

Each part runs as a process of its own, so that its peak memory is its own. What a part and size
gave last is kept in bench/results/ with machine, date and load; docs/benchmarks.md is made from
those files alone (`--document-only` makes it without measuring).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import duckdb

from bench.document import DOCUMENT, written
from bench.rows import SMALLEST, Row, as_markdown

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "bench" / "results"
LARGE: Final = 100_000
LARGEST: Final = 1_000_000

# in the order of a migration, with the sizes at which each part can be measured
PARTS: Final[dict[str, tuple[int, ...]]] = {
    "dbt_build": (SMALLEST, LARGE, LARGEST),
    "seed_edit": (SMALLEST, LARGE),
    "verification": (SMALLEST, LARGE),
    "migration": (SMALLEST,),
}


def run(part: str, size: int) -> dict[str, Any]:
    """One part at one size: its rows and what the process took."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        command = [sys.executable, "-m", f"bench.{part}", "--size", str(size), "--rows", str(rows)]
        load = os.getloadavg()[0]
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"bench.{part} at {size:,} ended with {process.returncode}")
        found = json.loads(rows.read_text(encoding="utf-8"))
    return {
        "part": part,
        "size": size,
        **found,
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mib": round(used.ru_maxrss / 1024),
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)}; none: all")
    parser.add_argument("--size", type=int, action="append", help=f"contacts; default {SMALLEST:,}")
    parser.add_argument("--document-only", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not given.document_only:
        for size in given.size or [SMALLEST]:
            for part in given.parts or PARTS:
                if size in PARTS[part]:
                    _measure(part, size)
    DOCUMENT.write_text(written(RESULTS, tuple(PARTS)), encoding="utf-8")


def _measure(part: str, size: int) -> None:
    result = run(part, size)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{part}-{size}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    rows = [Row(**row) for row in result["rows"]]
    print(f"\n{part}, {size:,} contacts ({result['wall_seconds']} s)\n\n{as_markdown(rows)}")


if __name__ == "__main__":
    main()
