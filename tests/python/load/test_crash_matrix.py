"""kill -9 at every write point of a run; run again; the company ends as if nobody had killed it.

Points: before an intent is committed, after it, when the server acted and its answer is on the
way, after the answer and before its outcome is committed; settling, barriers and the end too.
`make test` tries those of persons, `make test-long` all of a load and of an update.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def matrix(loader, plan, *, only: tuple[str, ...] = ()) -> list[str]:
    """The points that were tried; fails with what went wrong."""
    loader.company.door("POST", "snapshot", {"name": "beginning"})
    folder = loader.folder / "matrix"
    folder.mkdir(parents=True)
    task = {
        "account": loader.settings(),
        "plan": str(plan.folder),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
        "copy": "beginning",
        "only": only,
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crash_process.py")), folder / "task.json"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    sys.stdout.write(f"{len(found['points'])} points of {found['writes']} writes\n")
    assert found["wrong"] == {}
    return found["points"]


def kinds(points: list[str]) -> set[str]:
    return {point.split(":", maxsplit=1)[0].split("#", maxsplit=1)[0] for point in points}


ANSWER_LOST = "server acted, answer lost"
EVERY_CREATE = {
    "call.before_send",
    "call.answered",
    "create.before_intent",
    "create.after_intent",
    "create.after_answer",
    "create.after_outcome",
}


def test_persons_killed_at_every_write_point_end_as_if_never_killed(loader, worlds):
    world = worlds.small(persons=4, deals=0)
    del world.payloads["product"]
    plan = world.freeze(loader.folder / "plans")
    points = matrix(loader, plan, only=(":person", ANSWER_LOST))
    assert kinds(points) >= EVERY_CREATE
    assert len([one for one in points if one.startswith("call.answered")]) == 4
    assert len([one for one in points if one.startswith(ANSWER_LOST)]) >= 4


@pytest.mark.long
def test_a_load_killed_at_every_write_point_ends_as_if_never_killed(loader, worlds):
    plan = worlds.small(persons=4, deals=4).freeze(loader.folder / "plans")
    points = matrix(loader, plan)
    assert kinds(points) >= EVERY_CREATE | {
        "provision.before_intent",
        "provision.after_intent",
        "provision.after_answer",
        "phase.before_barrier",
        "run.before_end",
        ANSWER_LOST,
    }


@pytest.mark.long
def test_updates_killed_at_every_write_point_end_as_if_never_killed(loader, worlds):
    world = worlds.small(persons=4, deals=4)
    assert loader.apply(world).exit_code == 0
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
    points = matrix(loader, world.freeze(loader.folder / "plans"))
    assert kinds(points) >= {
        "update.before_intent",
        "update.after_intent",
        "update.after_answer",
        "update.after_outcome",
        "call.before_send",
        "call.answered",
        ANSWER_LOST,
    }
