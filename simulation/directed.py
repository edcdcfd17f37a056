"""Schedules made for one thing that chance alone brings about too seldom.

Each breaks an invariant once the protection that it is made for is switched off
(`simulation.mutants`). Calls are found by playing the same schedule undisturbed first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simulation.scenario import play
from simulation.schedule import Schedule
from simulation.stage import Stage

_CREATES_DEAL: Final = ("POST", "/api/v2/deals")
_CREATES_PERSON: Final = ("POST", "/api/v2/persons")
_CHANGES_PERSON: Final = ("PATCH", "/api/v2/persons/{id}")


def hidden_before_the_look(stage: Stage) -> list[Schedule]:
    """No create of a deal is answered, and somebody deletes or archives one before we look."""
    calls = play(Schedule(3), stage).evidence.calls or ()
    made = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == _CREATES_DEAL]
    first = [n for place, n in enumerate(made) if n == made[0] + place]
    lost = tuple((number, "lost_after") for number in first)
    return [
        Schedule(3, at=lost, acts=((first[-1] + 1, act),))
        for act in ("delete_deal", "archive_deal")
    ]


def opted_out_meanwhile(stage: Stage) -> list[Schedule]:
    """Somebody opts out while our call with a consent is on its way to a record of theirs."""
    found = []
    for world in ("people", "full"):
        schedule = Schedule(3, world=world)
        calls = play(schedule, stage).evidence.calls or ()
        writes = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == _CHANGES_PERSON]
        found.append(replace(schedule, acts=((writes[0], "opt_out:first"),)))
    return found


def deleted_before_the_look(stage: Stage) -> list[Schedule]:
    """No create of a person is answered, and somebody deletes or merges one before we look."""
    calls = play(Schedule(3, world="people"), stage).evidence.calls or ()
    made = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == _CREATES_PERSON]
    first = [n for place, n in enumerate(made) if n == made[0] + place]
    lost = tuple((number, "lost_after") for number in first)
    return [
        Schedule(seed, world="people", at=lost, acts=((first[-1] + 1, act),))
        for seed in (3, 4)
        for act in ("delete_person", "merge_persons")
    ]


def edited_before_the_look(stage: Stage) -> list[Schedule]:
    """No create is answered, and somebody edits what it made before we look."""
    calls = play(Schedule(3), stage).evidence.calls or ()
    found = []
    for path, act, undo in (
        ("/api/v2/organizations", "rename_organization", False),
        ("/api/v2/persons", "rename_person", True),
        ("/api/v2/persons", "change_points", True),
        ("/api/v2/persons", "add_email", True),
        ("/api/v2/deals", "retitle_deal", True),
    ):
        made = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == ("POST", path)]
        first = [n for place, n in enumerate(made) if n == made[0] + place]
        lost = tuple((number, "lost_after") for number in first)
        found.append(Schedule(3, at=lost, acts=((first[-1] + 1, act),), undo=undo))
    return found


def double_that_people_work_with(stage: Stage) -> list[Schedule]:
    """A create lands beyond the bound, after it was sent again, and people edit what it made."""
    found = []
    for world, path, act in (
        ("people", "/api/v2/persons", "rename_person:last"),
        ("full", "/api/v2/organizations", "rename_organization:last"),
    ):
        schedule = Schedule(3, world=world, beyond_bound=True)
        late = replace(
            schedule, at=((_numbers(schedule, stage, ("POST", path))[0], "late_beyond"),)
        )
        # the second plan is applied when it has landed: the tries of the sweep come after that
        last = play(late, stage).open_calls[-1]
        found.append(replace(late, acts=((last, act),)))
    return found


def late_update_of_a_dead_run(stage: Stage) -> list[Schedule]:
    """The loader dies with an update under way, is run again before that lands, then undone."""
    found = []
    for world in ("people", "full"):
        schedule = Schedule(3, world=world, undo=True)
        # the first one of the second plan is of a record that an undo puts back
        number = _numbers(schedule, stage, _CHANGES_PERSON)[1]
        faults = ((number, "late_timeout"), (number + 1, "crash_answered"))
        found.append(replace(schedule, at=faults))
    return found


def _numbers(schedule: Schedule, stage: Stage, call: tuple[str, str]) -> list[int]:
    """The calls of this kind in a schedule, by their numbers."""
    calls = play(schedule, stage).evidence.calls or ()
    return [n for n, one in enumerate(calls, 1) if (one.method, one.path) == call]
