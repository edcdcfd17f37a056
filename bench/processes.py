"""What commands and processes take: wall and processor seconds, peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Took:
    """One command that ended, its children included; `code` is its exit code."""

    wall: float
    processor: float
    peak_mib: float
    code: int


def timed(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    output: int | IO[str] = subprocess.DEVNULL,
) -> Took:
    """Runs a command by way of `bench.launcher`, in the project's folder."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "took.json"
        launcher = [sys.executable, "-I", "-S", str(ROOT / "bench" / "launcher.py"), str(report)]
        done = subprocess.run(
            [*launcher, *command],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=None if output == subprocess.DEVNULL else subprocess.STDOUT,
            check=False,
        )
        wall, processor, peak_mib = json.loads(report.read_text(encoding="ascii"))
    return Took(wall, processor, peak_mib, done.returncode)


def peak_memory(pid: int | str = "self") -> float:
    """Peak MiB of a process since it began its program (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0
