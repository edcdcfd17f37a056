"""A long run, whose figures go into a file: `python -m simulation.campaign FILE`, see `--help`.

Plays random schedules, the sweep of every fault at every call, and the hunt for every mutant, one
after the other, and writes what was played, what it reached and what broke as JSON. A part is left
out by `--schedules 0-0`, `--no-sweep` or `--no-mutants`. Exit code 1 if a schedule broke an
invariant or a mutant got away.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulation.mutants import MUTANTS, hunt
from simulation.scenario import compare_with_undisturbed, play
from simulation.schedule import CRASHES, FAULTS, Schedule, random_schedule
from simulation.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
WORLDS = ("people", "full")


@dataclass(slots=True)
class Tally:
    """What one part of a campaign played and reached."""

    totals: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, schedule: Schedule, stage: Stage) -> None:
        """Plays one schedule."""
        self.totals["schedules"] += 1
        try:
            ending = play(schedule, stage)
        except Exception as error:  # noqa: BLE001 - whatever ends a schedule is its finding
            self.broken.append(f"{type(error).__name__}: {error}; {schedule.line()}")
            return
        self.totals.update(
            calls=ending.calls,
            lives=ending.lives,
            edits=ending.acts,
            undone=int(schedule.undo),
            compared=int(ending.evidence.undisturbed_lines is not None),
        )
        self.faults += ending.faults
        self.points += ending.points
        self.deaths += ending.deaths
        self.broken += [f"{one}; {schedule.line()}" for one in ending.report.violations[:1]]


def main(arguments: list[str] | None = None) -> int:
    """Runs the parts that are asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="simulation.campaign", description="A long campaign.")
    parser.add_argument("file", type=Path, help="where the figures go")
    parser.add_argument("--schedules", default="0-10000", help="seeds, the last one not included")
    parser.add_argument("--no-sweep", action="store_true")
    parser.add_argument("--no-mutants", action="store_true")
    given = parser.parse_args(arguments)
    first, last = (int(part) for part in given.schedules.split("-"))
    began, stage = time.process_time(), Stage.open()
    compare_with_undisturbed(stage)
    found: dict[str, Any] = about()
    found["seeds"] = [first, last]
    try:
        found["random"] = _run((random_schedule(seed) for seed in range(first, last)), stage)
        if not given.no_sweep:
            found["sweep"] = _run(sweep(stage, WORLDS), stage)
        if not given.no_mutants:
            found["mutants"] = [asdict(hunt(one, stage, most=400)) for one in MUTANTS]
    finally:
        stage.close()
    found["processor_seconds"] = round(time.process_time() - began)
    given.file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    parts = [found[name] for name in ("random", "sweep") if name in found]
    escaped = [one["mutant"] for one in found.get("mutants", ()) if one["violation"] is None]
    for line in [*(broken for part in parts for broken in part["broken"]), *escaped]:
        sys.stdout.write(f"{line}\n")
    return int(bool(escaped) or any(part["broken"] for part in parts))


def sweep(stage: Stage, worlds: Iterable[str]) -> Iterable[Schedule]:
    """Every fault and every crash at every call of an undisturbed load, delta and undo."""
    for world in worlds:
        for undo in (False, True):
            calls = play(Schedule(3, world=world, undo=undo), stage).open_calls
            for fault in (*FAULTS, *CRASHES):
                for number in calls:
                    yield Schedule(3, world=world, undo=undo, at=((number, fault),))


def about() -> dict[str, Any]:
    """Of which version, where and when."""
    version = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whatever git there is
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "version": version,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _run(schedules: Iterable[Schedule], stage: Stage) -> dict[str, Any]:
    tally = Tally()
    for schedule in schedules:
        tally.add(schedule, stage)
    names = ("totals", "faults", "points", "deaths", "broken")
    return {name: getattr(tally, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
