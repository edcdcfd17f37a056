"""The loader under faults, crashes and busy people, in virtual time: no invariant breaks.

Figures are about the sandbox, not about Pipedrive.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.scenario import play
from simulation.schedule import CRASHES, FAULTS, Schedule, random_schedule
from simulation.stage import Stage

ROOT = Path(__file__).resolve().parents[3]
IN_SHORT, IN_LONG = 150, 10_000


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage.open()
    yield made
    made.close()


def failures(schedules, stage: Stage) -> list[str]:
    """One line a failing schedule: what broke and how to replay it."""
    found = []
    for schedule in schedules:
        try:
            report = play(schedule, stage).report
        except Exception as error:  # noqa: BLE001 - whatever ends a schedule is its finding
            found.append(f"{type(error).__name__}: {error}; {schedule.line()}")
            continue
        if report.violations:
            found.append(f"{report.violations[0]}; {schedule.line()}")
    return found


def test_the_same_seed_gives_the_same_trace_and_another_seed_another(stage):
    schedules = [random_schedule(seed) for seed in (21, 37, 71)]
    first = [play(schedule, stage).trace for schedule in schedules]
    assert first == [play(schedule, stage).trace for schedule in schedules]
    assert len(set(first)) == len(schedules)


def test_the_trace_does_not_depend_on_the_order_of_sets():
    program = (
        "from simulation.scenario import play; from simulation.schedule import random_schedule\n"
        "from simulation.stage import Stage\n"
        "stage = Stage.open(); print(play(random_schedule(37), stage).trace); stage.close()"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(traces) == 1


def test_an_undisturbed_run_is_clean_and_a_disturbed_one_ends_like_it(stage):
    calm = play(Schedule(1), stage)
    assert calm.report.violations == []
    assert calm.calls > 50
    stage.clean_lines["full"] = calm.evidence.lines or []
    rough = play(Schedule(5, rate=0.1, crashes=(("point", 40), ("commit_after", 70))), stage)
    assert rough.faults.total() > 0
    assert rough.report.violations == []


@pytest.mark.parametrize("fault", [*FAULTS, *CRASHES])
def test_a_fault_at_each_of_the_first_calls_in_turn_breaks_nothing(stage, fault):
    """Every call of a run over organizations and persons is hit once with every fault."""
    calls = play(Schedule(3, world="people"), stage).calls
    step = 4
    first = (FAULTS + CRASHES).index(fault) % step
    sweep = (
        Schedule(3, world="people", at=((number, fault),))
        for number in range(1 + first, calls + 1, step)
    )
    assert failures(sweep, stage) == []


@pytest.mark.long
@pytest.mark.parametrize("fault", [*FAULTS, *CRASHES])
@pytest.mark.parametrize("world", ["people", "full"])
def test_every_fault_at_every_call_breaks_nothing(stage, world, fault):
    calls = play(Schedule(3, world=world), stage).calls
    sweep = (Schedule(3, world=world, at=((number, fault),)) for number in range(1, calls + 1))
    assert failures(sweep, stage) == []


def test_random_schedules_break_nothing(stage):
    stage.clean_lines.clear()
    assert failures((random_schedule(seed) for seed in range(IN_SHORT)), stage) == []


def test_a_disturbed_adoption_ends_like_an_undisturbed_one(stage):
    """An update whose answer was lost had landed: what it set is ours, not a person's."""
    stage.clean_lines["full"] = play(Schedule(1), stage).evidence.lines or []
    seeds = (18, 37, 46, 65, 82)
    assert failures((random_schedule(seed) for seed in seeds), stage) == []


@pytest.mark.long
def test_ten_thousand_random_schedules_break_nothing(stage):
    stage.clean_lines.clear()
    assert failures((random_schedule(seed) for seed in range(IN_LONG)), stage) == []
