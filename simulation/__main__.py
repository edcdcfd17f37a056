"""Replays schedules: `python -m simulation 17`, `python -m simulation '{"seed": 17, ...}'`, or a
range of random ones: `python -m simulation 0-500`.

Prints one line a violation and a summary; the exit code is 1 if there was any.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable

from simulation.scenario import play
from simulation.schedule import Schedule, random_schedule
from simulation.stage import Stage


def main(arguments: list[str]) -> int:
    """Plays what the first argument says."""
    if len(arguments) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    began, bad, totals = time.process_time(), 0, Counter[str]()
    stage = Stage.open()
    try:
        for schedule in _schedules(arguments[0]):
            bad += not _played(schedule, stage, totals)
    finally:
        stage.close()
    spent = time.process_time() - began
    about = ", ".join(f"{number} {what}" for what, number in sorted(totals.items()))
    sys.stdout.write(f"{bad} schedules with violations; {about}; {spent:.0f} s of processor\n")
    return int(bad > 0)


def _schedules(text: str) -> Iterable[Schedule]:
    first, dash, last = text.partition("-")
    if dash and first.isdecimal() and last.isdecimal():
        return (random_schedule(seed) for seed in range(int(first), int(last)))
    return [Schedule.read(text)]


def _played(schedule: Schedule, stage: Stage, totals: Counter[str]) -> bool:
    totals["schedules"] += 1
    try:
        ending = play(schedule, stage)
    except Exception as error:  # noqa: BLE001 - whatever ends a schedule is its finding
        sys.stdout.write(f"{type(error).__name__}: {error}\n    {schedule.line()}\n")
        return False
    totals.update(
        calls=ending.calls,
        faults=ending.faults.total(),
        deaths=ending.deaths.total(),
        edits=ending.acts,
    )
    for violation in ending.report.violations:
        sys.stdout.write(f"{violation}\n")
    if not ending.report.ok:
        sys.stdout.write(f"    {schedule.line()}\n")
    return ending.report.ok


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
