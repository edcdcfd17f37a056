"""The loader under faults, crashes and busy people, in virtual time: no invariant breaks.

Figures are about the sandbox, not about Pipedrive.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from load.crashpoints import POINTS
from simulation.campaign import sweep
from simulation.directed import (
    address_added_before_our_second_update,
    clock_set,
    clock_set_forward,
    deleted_after_the_look,
    deleted_before_the_look,
    double_in_an_archived_deal,
    double_that_people_work_with,
    edited_before_the_look,
    hidden_before_the_look,
    late_update_of_a_dead_run,
    made_under_two_plans,
    opted_out_meanwhile,
    uploads_deleted_before_the_look,
    uploads_hit,
)
from simulation.mutants import MUTANTS, hunt
from simulation.scenario import QUIET, compare_with_undisturbed, play
from simulation.schedule import CRASHES, FAULTS, Schedule, random_schedule
from simulation.stage import Stage

ROOT = Path(__file__).resolve().parents[3]
IN_SHORT, IN_LONG, CHUNK = 2000, 10_000, 125
# seeds whose updates landed without an answer in an adopted record
LANDED = (
    '{"seed": 18, "rate": 0.35, "people": 2, "crashes": [["call", 110], ["commit_before", 121]]}',
    '{"seed": 46, "rate": 0.02, "crashes": [["call", 13]]}',
    '{"seed": 53, "rate": 0.2, "daily_budget": 500}',
    '{"seed": 82, "rate": 0.35, "people": 2, "crashes": [["call", 9]]}',
    '{"seed": 149, "rate": 0.35}',
)
# no load, delta or undo of these worlds changes a field's name or archives a deal: real processes
# are killed there, in load/test_schema.py and load/test_archiving.py
ELSEWHERE = frozenset(point for point in POINTS if point.startswith(("schema.", "archive.")))
# a double of a record that was updated before the double landed, and a create that had left before
# somebody deleted what the next one had made
BEYOND_BOUND = (
    '{"seed": 884, "world": "full", "rate": 0.2, "beyond_bound": true, "daily_budget": 500}',
    (
        '{"seed": 949, "world": "full", "rate": 0.35, "people": 2, "beyond_bound": true,'
        ' "patience": 2, "undo": true}'
    ),
)


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
    """Every call of a load and a delta of organizations and persons is hit once."""
    calls = play(Schedule(3, world="people"), stage).open_calls
    assert len(calls) > 20
    hits = (Schedule(3, world="people", at=((number, fault),)) for number in calls)
    assert failures(hits, stage) == []


def test_the_schedules_pass_every_commit_point_that_the_loader_has(stage):
    texts = [file.read_text() for file in (ROOT / "load").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'crashpoint\("([\w.]+)"', text)}
    assert named == set(POINTS)
    schedules = (
        Schedule(1, undo=True),
        Schedule(5, rate=0.1, crashes=(("point", 40), ("call_point", 30))),
        opted_out_meanwhile(stage)[0],
    )
    passed = Counter[str]()
    for schedule in schedules:
        ending = play(schedule, stage)
        assert ending.report.violations == []
        passed += ending.points
    assert {place.partition(":")[0] for place in passed} == set(POINTS) - ELSEWHERE


@pytest.mark.parametrize(
    "directed",
    [
        hidden_before_the_look,
        deleted_before_the_look,
        edited_before_the_look,
        opted_out_meanwhile,
        double_that_people_work_with,
        late_update_of_a_dead_run,
        address_added_before_our_second_update,
        made_under_two_plans,
        clock_set_forward,
    ],
)
def test_what_people_do_before_we_look_is_neither_lost_nor_taken_for_ours(stage, directed):
    """Each schedule breaks something once the protection that it is made for is switched off."""
    [mutant] = [one for one in MUTANTS if one.directed is directed]
    schedules = list(directed(stage))
    assert failures(schedules, stage) == []
    with mutant.let_loose():
        assert len(failures(schedules, stage)) == len(schedules) >= 2


def test_what_a_look_has_shown_is_known_though_the_loader_dies_before_the_look_ends(stage):
    ending = play(deleted_after_the_look(stage), stage)
    assert ending.report.violations == []
    assert (ending.faults["crash_unsent"], ending.acts) == (1, 1)
    assert ending.evidence.ledger.known["aiq:store:1"].state == "gone"


def test_a_double_whose_deletion_is_refused_is_named_and_the_sweep_goes_on(stage):
    ending = play(double_in_an_archived_deal(stage), stage)
    assert ending.report.violations == []
    extras = ending.evidence.ledger.extras.values()
    assert [(one.entity, one.action) for one in extras] == [("deal_product", "to review")]


def test_a_clock_that_is_set_back_by_a_day_holds_nothing_up(stage):
    ending = play(clock_set(stage, "people", -86_400.0), stage)
    assert ending.report.violations == []
    assert ending.virtual_seconds < 3 * QUIET


def test_a_run_killed_at_any_point_around_an_opt_out_that_it_wrote_over_puts_it_back(stage):
    [schedule, *_] = opted_out_meanwhile(stage)
    passed = play(schedule, stage).passed
    begins, ends = map(passed.index, ("update.after_intent:person", "guard.after_end:person"))
    died = Counter[str]()
    for number in range(begins + 1, ends + 2):
        ending = play(replace(schedule, crashes=(("point", number),)), stage)
        assert ending.report.violations == []
        died += ending.deaths
    assert {point for point in POINTS if point.startswith("guard.")} <= {
        place.partition(":")[0] for place in died
    }


def test_an_upload_is_neither_lost_nor_doubled_by_any_fault_or_death_at_its_calls(stage):
    schedules = uploads_hit(stage)
    assert {schedule.at[0][1] for schedule in schedules} == {*FAULTS, *CRASHES}
    assert failures(schedules, stage) == []


def test_an_upload_that_somebody_deletes_before_we_look_is_not_made_again(stage):
    [mutant] = [one for one in MUTANTS if one.directed is deleted_before_the_look]
    schedules = uploads_deleted_before_the_look(stage)
    assert failures(schedules, stage) == []
    with mutant.let_loose():
        assert len(failures(schedules, stage)) == len(schedules)


def test_a_load_and_its_undo_without_faults_are_clean(stage):
    for world in ("people", "full", "files"):
        ending = play(Schedule(1, world=world, undo=True), stage)
        assert ending.report.violations == []
        states = {one.state for one in ending.evidence.ledger.known.values()}
        assert states == {"removed", "confirmed"}


def test_what_an_update_without_answer_had_set_is_ours_not_a_persons(stage):
    compare_with_undisturbed(stage)
    assert failures(map(Schedule.read, LANDED), stage) == []


def test_what_lands_beyond_the_bound_is_taken_away_again_as_long_as_nobody_touched_it(stage):
    compare_with_undisturbed(stage)
    assert failures(map(Schedule.read, BEYOND_BOUND), stage) == []


def chunks(last: int) -> list[object]:
    """Ranges of seeds; each may run in another worker than the rest of this file."""
    return [
        pytest.param(
            first, marks=[pytest.mark.xdist_group(f"schedules from {first}"), pytest.mark.last]
        )
        for first in range(0, last, CHUNK)
    ]


@pytest.mark.parametrize("first", chunks(IN_SHORT))
def test_random_schedules_break_nothing(stage, first):
    """Loads, deltas and undos under faults and crashes, with people at work meanwhile."""
    compare_with_undisturbed(stage)
    seeds = range(first, first + CHUNK)
    assert failures((random_schedule(seed) for seed in seeds), stage) == []


@pytest.mark.long
@pytest.mark.parametrize("world", ["people", "full", "files"])
def test_every_fault_at_every_call_of_load_delta_and_undo_breaks_nothing(stage, world):
    compare_with_undisturbed(stage)
    assert failures(sweep(stage, [world]), stage) == []


@pytest.mark.long
@pytest.mark.parametrize("first", chunks(IN_LONG))
def test_ten_thousand_random_schedules_break_nothing(stage, first):
    compare_with_undisturbed(stage)
    seeds = range(first, first + CHUNK)
    assert failures((random_schedule(seed) for seed in seeds), stage) == []


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_protection_that_is_switched_off_is_noticed(stage, mutant):
    compare_with_undisturbed(stage)
    assert hunt(mutant, stage, most=400).violation is not None
