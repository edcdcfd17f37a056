"""Schedules made for one thing that chance alone brings about too seldom.

Each breaks an invariant once the protection that it is made for is switched off
(`simulation.mutants`). Calls are found by playing the same schedule undisturbed first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simulation.scenario import play
from simulation.schedule import CRASHES, FAULTS, Schedule
from simulation.stage import Stage

_CREATES_DEAL: Final = ("POST", "/api/v2/deals")
_WORLDS: Final = ("people", "full")
_CREATES_ORGANIZATION: Final = ("POST", "/api/v2/organizations")
_CREATES_PERSON: Final = ("POST", "/api/v2/persons")
_UPLOADS: Final = ("POST", "/api/v1/files")
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
    """No create is answered, and somebody deletes or merges a record before we look."""
    calls = play(Schedule(3, world="people"), stage).evidence.calls or ()
    made = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == _CREATES_PERSON]
    first = [n for place, n in enumerate(made) if n == made[0] + place]
    lost = tuple((number, "lost_after") for number in first)
    return [
        Schedule(seed, world="people", at=lost, acts=((first[-1] + 1, act),))
        for seed in (3, 4)
        for act in ("delete_person", "merge_persons")
    ] + [_organizations_deleted(stage)]


def _organizations_deleted(stage: Stage) -> Schedule:
    """Of the only two organizations, whose ids do not begin with 1, the newest is deleted."""
    schedule = Schedule(3, world="people")
    first, second = _numbers(schedule, stage, _CREATES_ORGANIZATION)
    lost = ((first, "lost_after"), (second, "lost_after"))
    return replace(schedule, at=lost, acts=((second + 1, "delete_organization:last"),))


def deleted_after_the_look(stage: Stage) -> Schedule:
    """Of two organizations one is made and listed, then deleted while the other is looked for by
    its id, where the loader dies: no list shows either of them again."""
    schedule = Schedule(3, world="people")
    first, second = _numbers(schedule, stage, _CREATES_ORGANIZATION)
    faults = ((first, "lost_before"), (second, "lost_after"), (second + 5, "crash_unsent"))
    return replace(schedule, at=faults, acts=((second + 3, "delete_organization:first"),))


def double_in_an_archived_deal(stage: Stage) -> Schedule:
    """A line lands a second time, in a deal that somebody has archived: it can't be deleted."""
    schedule = Schedule(3, beyond_bound=True)
    first = _numbers(schedule, stage, ("POST", "/api/v2/deals/{id}/products"))[0]
    late = replace(schedule, at=((first, "late_beyond"),))
    calls = play(late, stage).open_calls
    # nothing happens to the calls of the dry run: the second load begins after the gap
    begins = next(n for n in calls if n - 1 not in calls and n > first)
    return replace(late, acts=((begins, "archive_deal:last"),))


def address_added_before_our_second_update(stage: Stage) -> list[Schedule]:
    """Between two updates of a list, the first of which never left, somebody adds to it; undo."""
    found = []
    for world in ("people", "full"):
        schedule = Schedule(3, world=world, undo=True)
        number = _numbers(schedule, stage, _CHANGES_PERSON)[0]
        faults, acts = ((number, "crash_unsent"),), ((number + 1, "add_email:first"),)
        found.append(replace(schedule, at=faults, acts=acts))
    return found


def made_under_two_plans(stage: Stage) -> list[Schedule]:
    """A create lands after another plan's was sent, whose answer is lost: the first one counts."""
    found = []
    for world in _WORLDS:
        schedule = Schedule(3, world=world, beyond_bound=True, patience=1)
        late = _numbers(Schedule(3, world=world), stage, _CREATES_ORGANIZATION)[1]
        schedule = replace(schedule, at=((late, "late_beyond"),))
        again = _points(schedule, stage, "create.before_intent:organization")[1]
        schedule = replace(schedule, crashes=(("point", again),))
        again = _numbers(schedule, stage, _CREATES_ORGANIZATION)[-1]
        found.append(replace(schedule, at=(*schedule.at, (again, "lost_after"))))
    return found


def clock_set_forward(stage: Stage) -> list[Schedule]:
    """The loader dies while it waits for a late create, and meanwhile its clock is set forward."""
    return [clock_set(stage, world, 3600.0) for world in _WORLDS]


def clock_set(stage: Stage, world: str, seconds: float) -> Schedule:
    """The same, with a clock that is set by so many seconds."""
    schedule = Schedule(3, world=world)
    first, second = _numbers(schedule, stage, _CREATES_ORGANIZATION)
    schedule = replace(schedule, at=((first, "late"),))
    outcome = _points(schedule, stage, "create.after_outcome:organization")[1]
    return replace(schedule, crashes=(("point", outcome),), clock=((second + 1, seconds),))


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


def uploads_deleted_before_the_look(stage: Stage) -> list[Schedule]:
    """No upload is answered, and somebody deletes one before we look."""
    calls = play(Schedule(3, world="files"), stage).evidence.calls or ()
    first = [n for n, one in enumerate(calls, 1) if (one.method, one.path) == _UPLOADS][:3]
    lost = tuple((number, "lost_after") for number in first)
    acts = ("delete_file:first", "delete_file:last")
    return [Schedule(3, world="files", at=lost, acts=((first[-1] + 1, act),)) for act in acts]


def uploads_hit(stage: Stage) -> list[Schedule]:
    """Each fault and each death at the first upload; a lost answer and each death at the first
    deletion of one by an undo. The sweep of the whole world hits every call."""
    found = []
    for undo, call, faults in (
        (False, _UPLOADS, (*FAULTS, *CRASHES)),
        (True, ("DELETE", "/api/v1/files/{id}"), ("lost_after", *CRASHES)),
    ):
        schedule = Schedule(3, world="files", undo=undo)
        number = _numbers(schedule, stage, call)[0]
        found += [replace(schedule, at=((number, fault),)) for fault in faults]
    return found


def _points(schedule: Schedule, stage: Stage, name: str) -> list[int]:
    """The numbers of a named point, each time that a schedule passes it."""
    return [n for n, one in enumerate(play(schedule, stage).passed, 1) if one == name]


def _numbers(schedule: Schedule, stage: Stage, call: tuple[str, str]) -> list[int]:
    """The calls of this kind in a schedule, by their numbers."""
    calls = play(schedule, stage).evidence.calls or ()
    return [n for n, one in enumerate(calls, 1) if (one.method, one.path) == call]
