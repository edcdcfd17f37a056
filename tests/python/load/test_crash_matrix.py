"""kill -9 at every write point of a run; run again; the company ends as if nobody had killed it.

Points: before an intent is committed, after it, when the server acted and its answer is on the
way, after the answer and before its outcome is committed; settling, barriers and the end too.
`make test` tries those of persons, `make test-long` all of a load, of an update and of an undo:
together every name in `load.crashpoints.POINTS`, for every entity that passes it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from load.crashpoints import POINTS
from tests.python.load import figures
from tests.python.load.test_archiving import ARCHIVE_POINTS
from tests.python.load.test_guard import GUARD_POINTS
from tests.python.load.test_schema import SCHEMA_POINTS

ENTITIES = ("organization", "person", "product", "deal", "deal_product", "note")
ANSWER_LOST = "server acted, answer lost"
ON_THE_WIRE = ("call.before_send", "call.answered")
EVERY_CREATE = (
    "create.before_intent",
    "create.after_intent",
    "create.after_answer",
    "create.after_outcome",
)
OF_A_LOAD = (*ON_THE_WIRE, *EVERY_CREATE, "settle.before_commit", "phase.before_barrier")
ONCE_A_LOAD = (
    "provision.before_intent:field",
    "provision.after_intent:field",
    "provision.after_answer:field",
    "run.before_end:run",
)
OF_A_DELTA = (
    *ON_THE_WIRE,
    "update.before_intent",
    "update.after_intent",
    "update.after_answer",
    "update.after_outcome",
)
OF_AN_UNDO = (
    *ON_THE_WIRE,
    "undo.before_intent",
    "undo.after_intent",
    "undo.after_answer",
    "undo.after_outcome",
)
ONCE_AN_UNDO = ("undo.before_verify:run",)


def matrix(loader, plan, *, what: str = "apply", only: tuple[str, ...] = ()) -> set[str]:
    """The points that were tried, by name and entity; fails with what went wrong."""
    loader.company.door("POST", "snapshot", {"name": "beginning"})
    folder = loader.folder / "matrix"
    folder.mkdir(parents=True)
    task = {
        "account": loader.settings(),
        "what": what,
        "plan": str(plan.folder),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
        "uploads": str(loader.uploads),
        "only": only,
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crash_process.py")), folder / "task.json"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    places = {place.rsplit("#", 1)[0] for one in found["points"] for place in one.split(" then ")}
    names = {place.partition(":")[0] for place in places} & set(POINTS)
    sys.stdout.write(
        f"{what}: killed at {len(found['points'])} points of {found['writes']} writes;"
        f" {len(names)} of {len(POINTS)} named commit points\n"
    )
    where = f"processes killed at named points and answers of {what}"
    figures.note(where, tried=len(found["points"]), wrong=len(found["wrong"]))
    assert found["wrong"] == {}
    return places


def of_each(names: tuple[str, ...], entities: tuple[str, ...] = ENTITIES) -> set[str]:
    return {f"{name}:{entity}" for name in names for entity in entities}


def test_the_matrices_together_reach_every_named_commit_point():
    """Each matrix fails if it does not reach its own."""
    reached = {*OF_A_LOAD, *OF_A_DELTA, *OF_AN_UNDO, *GUARD_POINTS, *SCHEMA_POINTS}
    once = (*ONCE_A_LOAD, *ONCE_AN_UNDO, *ARCHIVE_POINTS)
    reached |= {place.partition(":")[0] for place in once}
    share = len(reached & set(POINTS)) / len(POINTS)
    sys.stdout.write(f"commit points hit: {share:.0%} of {len(POINTS)}\n")
    assert reached == set(POINTS)


def test_persons_killed_at_every_write_point_end_as_if_never_killed(loader, worlds):
    world = worlds.small(persons=2, deals=0)
    del world.payloads["product"]
    plan = world.freeze(loader.folder / "plans")
    places = matrix(loader, plan, only=(":person", ANSWER_LOST))
    assert places >= {*of_each(OF_A_LOAD, ("person",)), ANSWER_LOST}


@pytest.mark.long
def test_a_load_killed_at_every_write_point_ends_as_if_never_killed(loader, worlds):
    plan = worlds.small(persons=4, deals=4).freeze(loader.folder / "plans")
    assert matrix(loader, plan) >= {*of_each(OF_A_LOAD), *ONCE_A_LOAD, ANSWER_LOST}


def changed(world) -> None:
    """Every record of a world in one column."""
    for entity, column in (
        ("organization", "name"),
        ("person", "name"),
        ("product", "name"),
        ("deal", "title"),
        ("note", "content"),
    ):
        for key, payload in world.payloads[entity].items():
            text = f"new {payload[column]}"
            world.add(entity, key, **{**payload, column: text})
    for key, payload in world.payloads["deal_product"].items():
        world.add("deal_product", key, **{**payload, "comments": f"new [{key}]"})


@pytest.mark.long
def test_updates_killed_at_every_write_point_end_as_if_never_killed(loader, worlds):
    world = worlds.small(persons=4, deals=4)
    assert loader.apply(world).exit_code == 0
    changed(world)
    places = matrix(loader, world.freeze(loader.folder / "plans"))
    assert places >= {*of_each(OF_A_DELTA), ANSWER_LOST}


def adopting(world, company):
    """A world whose person 2 somebody had typed in before."""
    shop = company.ask("POST", "/api/v2/organizations", {"name": "Old Customer"})["data"]
    body = {"name": "Typed In By Hand", "org_id": shop["id"]}
    person = company.ask("POST", "/api/v2/persons", body)["data"]
    world.actions["aiq:contact:2"] = ("adopt", person["id"])
    return world


@pytest.mark.long
def test_an_undo_killed_at_every_write_point_ends_as_if_never_killed(loader, worlds, company):
    world = adopting(worlds.small(persons=4, deals=4), company)
    plan = world.freeze(loader.folder / "plans")
    assert loader.apply(plan).exit_code == 0
    deleted = tuple(one for one in ENTITIES if one != "deal_product")  # lines go with their deal
    places = matrix(loader, plan, what="undo")
    assert places >= {*of_each(OF_AN_UNDO, deleted), *ONCE_AN_UNDO, ANSWER_LOST}


@pytest.mark.long
@pytest.mark.parametrize("entity", ENTITIES)
def test_an_undo_killed_while_it_settles_what_a_killed_load_left_ends_the_same(
    loader, worlds, entity
):
    plan = worlds.small(persons=2, deals=2).freeze(loader.folder / "plans")
    assert loader.apply_in_process(plan, crashpoint=f"create.after_answer:{entity}#1") < 0
    places = matrix(loader, plan, what="undo", only=("settle.before_commit",))
    assert places >= {f"settle.before_commit:{entity}"}
