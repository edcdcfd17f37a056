"""All checks of `make test`, two at a time, with a table of what each took.

Arguments choose parts: tests, sql, style, types; none means all. The tests run in two processes and
the rest beside them, for two cores. Every part runs to its end; the exit code is 1 if any failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
PYTHON_ROOMS: Final = (
    *("checker", "simulation", "extract", "load", "migrate", "sandbox"),
    *("tests/python", "bench", ".ci"),
)
SQL_ROOMS: Final = ("models", "macros", "tests/dbt")

PARTS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "tests": (
        (
            *(sys.executable, "-m", "pytest", "-q", "-m", "not long", "--durations=15"),
            # a worker that dies ends the run: xdist can wait for ever on its replacement
            *("-n", "2", "--dist", "loadgroup", "--max-worker-restart", "0"),
            # the order is conftest's: by the number of tests the dearest would come last
            "--no-loadscope-reorder",
        ),
    ),
    "sql": ((sys.executable, ".ci/lint_sql.py", "lint", "--disable-progress-bar", *SQL_ROOMS),),
    "style": (
        (str(BIN / "ruff"), "check", *PYTHON_ROOMS),
        (str(BIN / "ruff"), "format", "--check", *PYTHON_ROOMS),
    ),
    "types": ((sys.executable, "-m", "mypy"),),
}


@dataclass(frozen=True, slots=True)
class Ending:
    part: str
    failed: bool
    seconds: float
    output: str


def run(part: str) -> Ending:
    """One part to its end; what the tests say is shown as they run, the rest when it is done."""
    began = time.monotonic()
    failed, output = False, ""
    for command in PARTS[part]:
        live = part == "tests"
        done = subprocess.run(  # noqa: S603 (our own commands)
            command,
            cwd=ROOT,
            check=False,
            text=True,
            stdout=None if live else subprocess.PIPE,
            stderr=None if live else subprocess.STDOUT,
        )
        failed |= done.returncode != 0
        output += done.stdout or ""
    return Ending(part, failed, time.monotonic() - began, output)


def main(chosen: list[str]) -> int:
    """Run what is chosen, or all; say how it went."""
    unknown = set(chosen) - PARTS.keys()
    if unknown:
        sys.stderr.write(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n"
        )
        return 2
    with ThreadPoolExecutor(max_workers=2) as pool:
        endings = list(pool.map(run, chosen or list(PARTS)))
    for ending in endings:
        if ending.failed and ending.output:
            sys.stdout.write(f"\n--- {ending.part}\n{ending.output}\n")
    sys.stdout.write("\npart      seconds\n")
    for ending in endings:
        verdict = "FAILED" if ending.failed else "ok"
        sys.stdout.write(f"{ending.part:<8} {ending.seconds:>8.1f}  {verdict}\n")
    return int(any(ending.failed for ending in endings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
