"""A TCP proxy cuts the loader's connection after byte k of a request or of its answer, for every k.

One create, one update, and the list that is read after a create whose answer was lost. The loader
ends with the company that it has when nobody cuts: nothing lost, nothing doubled. `make test` cuts
at a few bytes of each, `make test-long` at all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.load import figures

CREATE = "POST /api/v2/persons "
UPDATE = "PATCH /api/v2/persons/"
LIST = "GET /api/v2/persons?"
NEW = "aiq:contact:1"
CASES = [(begins, side) for begins in (CREATE, UPDATE, LIST) for side in ("request", "response")]


def cut(loader, worlds, begins: str, side: str, *, most: int | None):
    """What `cut_process` found; fails if a cut changed the end."""
    world = worlds.small(persons=1, deals=0)
    del world.payloads["product"]
    assert loader.apply(world).exit_code == 0
    if begins == UPDATE:
        world.payloads["person"]["aiq:contact:0"]["points__c"] = 999.5
    else:
        world.add("person", NEW, name="Newly Come", org__source_key="aiq:store:1")
    plan = world.freeze(loader.folder / "changed")
    loader.company.door("POST", "snapshot", {"name": "beginning"})
    folder = loader.folder / "cuts"
    folder.mkdir(parents=True)
    lost = {"begins": CREATE, "side": "response", "after": 0}
    task = {
        "account": loader.settings(),
        "plan": str(plan.folder),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
        "before": [lost] if begins == LIST else [],
        "begins": begins,
        "side": side,
        "most": most,
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cut_process.py")), folder / "task.json"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=1_800,
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    sys.stdout.write(f"{begins.strip()} {side}: {found['made']} cuts of {found['size']} bytes\n")
    where = f"connections cut, by bytes of a {side} of {begins.strip(' ?')}"
    figures.note(where, tried=found["made"], wrong=len(found["wrong"]))
    assert found["wrong"] == {}
    return found


@pytest.mark.parametrize(("begins", "side"), [*CASES[:2], CASES[3], CASES[5]])
def test_a_connection_cut_at_some_bytes_of_a_call_changes_nothing_of_the_end(
    loader, worlds, begins, side
):
    found = cut(loader, worlds, begins, side, most=3)
    assert found["made"] == 3
    assert found["size"] > 100


@pytest.mark.long
@pytest.mark.parametrize(("begins", "side"), CASES)
def test_a_connection_cut_at_any_byte_of_a_call_changes_nothing_of_the_end(
    loader, worlds, begins, side
):
    found = cut(loader, worlds, begins, side, most=None)
    assert found["made"] == found["size"] + (side == "request")
