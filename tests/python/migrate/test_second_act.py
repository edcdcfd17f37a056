"""The demo's second act on an account of its own: exactly the edits cross, people's edits stay."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from load.phases import PHASES as LOADED
from load.progress import Silent
from migrate import account
from migrate.applying import apply_plan
from migrate.demo import PHASES
from migrate.second_act import FOLDER, play
from sandbox import door, process

ENTITIES = {phase.entity for phase in LOADED}


@pytest.fixture(scope="module")
def acts(tmp_path_factory):
    """Both acts; what the services held before the second, and after it."""
    folder = tmp_path_factory.mktemp("acts") / "data"
    info = process.up(folder / "sandbox", personas=40, seed=7, window_scale=600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQ2PD_DATA_DIR", str(folder))
        patch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
        patch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
        settings = account.on_sandbox(info)
        for _, phase in PHASES:
            phase(settings, Silent())
        times: list[tuple[str, str, float]] = []
        tables = play(settings, info, Silent(), say=lambda _: None, times=times)
        again = apply_plan(settings, Silent())
    yield folder, {table.title: table for table in tables}, times, again
    process.down(folder / "sandbox")


def asked(folder: Path, sql: str):
    with closing(duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)) as warehouse:
        return warehouse.execute(sql).fetchall()


@pytest.mark.long
def test_every_step_of_the_second_act_ends_well(acts):
    _, tables, times, _ = acts
    assert [name for name, _, _ in times] == [
        f"second act: {name}" for name in ("delta", "build", "plan", "apply", "verify", "undo")
    ]
    done = tables["Second act, undo: Done"].records()
    assert sum(row["records"] for row in done if row["outcome"] == "deleted") > 300


@pytest.mark.long
def test_the_delta_wrote_what_the_plan_showed_and_the_plan_what_was_edited(acts):
    folder, tables, _, _ = acts
    planned = tables["Second act: Planned"].records()
    actions: Counter[tuple[str, str]] = Counter()
    for row in planned:
        if row["entity"] in ENTITIES and row["action"] in ("create", "update"):
            actions[row["entity"], row["action"]] += row["rows"]
    assert actions["person", "create"] == 1
    # points, opt-out, points after a sale, the flag of the deleted one, and the one whose name both
    # sides changed: the source's correction stands in a custom property, too
    assert actions["person", "update"] == 5
    written = asked(
        folder / FOLDER,
        "select attempts.entity, attempts.verb, count(*) from ledger.attempts as attempts "
        "join ledger.runs as runs using (run_id) where runs.kind = 'apply' and attempts.run_id = "
        "(select max_by(run_id, started_at) from ledger.runs where kind = 'apply') "
        "group by all order by all",
    )
    assert {(entity, verb): count for entity, verb, count in written} == actions


@pytest.mark.long
def test_a_field_that_both_sides_changed_is_left_and_the_deleted_person_is_flagged(acts):
    _, tables, _, _ = acts
    conflicts = tables["Second act: left to people"].records()
    assert [(row["field"], row["problem"]) for row in conflicts] == [
        ("Name", "edited_in_destination")
    ]
    withdrawn = tables["Second act: no longer at the source"].records()
    assert ("person", "deleted at the source", "True") in {
        (row["entity"], row["why"], str(row["flagged"])) for row in withdrawn
    }


@pytest.mark.long
def test_both_services_stand_as_the_first_act_left_them(acts):
    *_, again = acts
    assert again.facts["write calls"] == 0


def test_the_side_door_says_why_it_refuses(sandbox_pair):
    _, info = sandbox_pair
    with pytest.raises(RuntimeError, match="unknown"):
        door.post(info.pipedrive_url, "edit", {"action": "dance"})
    assert json.dumps(door.get(info.pipedrive_url, "info"))
