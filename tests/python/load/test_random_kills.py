"""Real processes, killed or halted at moments of chance in a load, a delta and an undo.

The wire is not faulty here: what is tried is that a process may end, or stand still for longer
than all its timeouts, at any instruction. `make test` kills 50 times, `make test-long` 1,000.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.load import figures

SEED = 20_260


def disturbed(loader, worlds, *, seed: int, kills: int, stopped: float = 0.0, **settings):
    """What `kill_process` found; fails if a life went wrong."""
    loader.company.door("POST", "snapshot", {"name": "beginning"})
    world = worlds.small(persons=6, deals=4)
    plan = world.freeze(loader.folder / "first")
    for number in range(0, 6, 2):
        world.payloads["person"][f"aiq:contact:{number}"]["points__c"] = 999.5
    for number in range(4):
        world.payloads["deal"][f"aiq:order:{number}"]["title"] = f"Order {number}, again"
    world.add("person", "aiq:contact:new", name="Newly Come", org__source_key="aiq:store:0")
    delta = world.freeze(loader.folder / "second")
    folder = loader.folder / "lives"
    folder.mkdir(parents=True)
    task = {
        "account": loader.settings() | settings,
        "plan": str(plan.folder),
        "delta": str(delta.folder),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
        "seed": seed,
        "kills": kills,
        "stopped": stopped,
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kill_process.py")), folder / "task.json"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=3_000,
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    what = "halted" if stopped else "killed"
    sys.stdout.write(
        f"{what} {sum(found['hits'].values())} times in {found['lives']} lives"
        f" from seed {seed}: {found['hits']}; wrong: {len(found['wrong'])}\n"
    )
    hits = sum(found["hits"].values())
    where = f"{what} at moments of chance in load, delta and undo"
    figures.note(f"processes {where}", tried=hits, wrong=len(found["wrong"]))
    figures.note(f"lives with processes {where}", tried=found["lives"], wrong=len(found["wrong"]))
    assert found["wrong"] == {}
    return found


def test_fifty_kills_at_random_moments_change_nothing_of_the_end(loader, worlds):
    found = disturbed(loader, worlds, seed=SEED, kills=50, settle_seconds=0.4)
    assert sum(found["hits"].values()) >= 50
    assert set(found["hits"]) == {"load", "delta", "undo"}


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_a_thousand_kills_at_random_moments_change_nothing_of_the_end(loader, worlds, part):
    found = disturbed(loader, worlds, seed=SEED + 1_000 * (part + 1), kills=250)
    assert sum(found["hits"].values()) >= 250


@pytest.mark.long
def test_a_process_that_stood_still_for_longer_than_its_timeouts_goes_on(loader, worlds):
    found = disturbed(loader, worlds, seed=SEED, kills=2, stopped=1.2, read_timeout=0.25)
    assert sum(found["hits"].values()) >= 2


@pytest.mark.long
def test_forty_halts_at_random_moments_change_nothing_of_the_end(loader, worlds):
    disturbed(loader, worlds, seed=SEED + 1, kills=40, stopped=1.5, read_timeout=0.25)
