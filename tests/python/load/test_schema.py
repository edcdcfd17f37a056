"""Fields that change after a load: renamed, replaced, dropped; by us and by administrators."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError, Rejected, TargetChanged
from load.progress import Silent
from load.run import Run
from load.schema import change_schema, plan_schema

ROOT = Path(__file__).resolve().parents[3]
SCHEMA_POINTS = ("schema.after_rename", "schema.before_delete", "schema.after_delete")
POINTS = ("person", "points__c", "Points", "double", False, "source_wins")


@pytest.fixture
def fields(loader):
    """Changes the account's fields to those of a world, or says what would be done."""

    def run(world, *, dry_run=False, replace=False, prune=False):
        plan = world.freeze(loader.folder / "plans")

        async def work():
            with loader.ledger() as ledger:
                async with PipedriveClient(loader.account, ledger, read_only=dry_run) as client:
                    job = Run(
                        plan, ledger, client, loader.account, RealClock(), Silent(),
                        lambda _entity: None,
                    )  # fmt: skip
                    job.salt = str((ledger.binding() or {"ledger_id": ""})["ledger_id"])
                    if dry_run:
                        return await plan_schema(job)
                    ledger.start_run("provision", plan_digest=plan.digest, code_version="1")
                    try:
                        return await change_schema(job, replace=replace, prune=prune)
                    finally:
                        ledger.end_run("done", writes=job.writes)

        return asyncio.run(work())

    return run


def loaded(loader, worlds, **size):
    world = worlds.small(**{"persons": 3, "deals": 0} | size)
    assert loader.apply(world).exit_code == 0
    return world


def changed(world, column, **values):
    place = next(n for n, one in enumerate(world.fields) if one[:2] == ("person", column))
    names = ("entity", "column_name", "field_name", "field_type", "is_personal", "on_update")
    world.fields[place] = tuple(
        (dict(zip(names, world.fields[place], strict=True)) | values).values()
    )
    return world


def dropped(world, column):
    world.fields = [one for one in world.fields if one[:2] != ("person", column)]
    world.options = [one for one in world.options if one[:2] != ("person", column)]
    for payload in world.payloads["person"].values():
        payload.pop(column, None)
    return world


def person_fields(company):
    listed = company.ask("GET", "/api/v2/personFields?limit=500")["data"]
    return {one["field_name"]: one for one in listed if one["is_custom_field"]}


def actions(result):
    return {(step.column_name, step.action): outcome for step, outcome in result.steps}


def test_a_field_that_the_catalogue_calls_otherwise_is_renamed_once(
    loader, company, worlds, fields
):
    world = changed(loaded(loader, worlds), "points__c", field_name="Loyalty points")
    code = person_fields(company)["Points"]["field_code"]
    before = company.writes()
    (step,) = fields(world, dry_run=True)
    assert (step.action, step.was, step.becomes, step.tokens) == (
        "rename", "Points", "Loyalty points", 5,
    )  # fmt: skip
    assert company.writes() == before
    assert actions(fields(world)) == {("points__c", "rename"): "done"}
    assert person_fields(company)["Loyalty points"]["field_code"] == code
    assert company.writes() == before + 1
    assert fields(world).steps == ()
    assert company.writes() == before + 1
    assert loader.apply(world).writes == 0


def test_a_rename_whose_answer_is_lost_is_looked_up_and_not_sent_again(
    loader, company, worlds, fields
):
    world = changed(loaded(loader, worlds), "points__c", field_name="Loyalty points")
    before = company.writes()
    company.faults(
        {"kind": "drop_response", "method": "PATCH", "path": "/personFields/", "times": 1}
    )
    assert actions(fields(world)) == {("points__c", "rename"): "done"}
    assert company.writes() == before + 1
    assert "Loyalty points" in person_fields(company)


def test_an_administrators_names_stay_and_are_told(loader, company, worlds, fields):
    world = loaded(loader, worlds)
    company.door(
        "POST", "edit",
        {"action": "rename_field", "entity": "person", "field": "Points", "name": "Ours"},
    )  # fmt: skip
    before = company.writes()
    ((step, outcome),) = fields(world).steps
    assert (step.action, step.was, step.becomes, outcome) == ("left", "Points", "Ours", "reported")
    assert "administrator" in step.why
    assert company.writes() == before
    assert loader.apply(world).exit_code == 0


def test_a_field_that_an_administrator_deleted_is_told_and_stops_a_load(
    loader, company, worlds, fields
):
    world = loaded(loader, worlds)
    company.door("POST", "edit", {"action": "delete_field", "entity": "person", "field": "Points"})
    (step,) = fields(world, dry_run=True)
    assert (step.action, step.column_name) == ("left", "points__c")
    assert "restore it" in step.why
    with pytest.raises(TargetChanged, match="points__c"):
        loader.apply(world)


def test_a_changed_type_is_replaced_only_when_told_and_the_values_come_with_the_next_load(
    loader, company, worlds, fields
):
    world = changed(loaded(loader, worlds), "points__c", field_type="varchar")
    old = person_fields(company)["Points"]["field_code"]
    with pytest.raises(ConfigError, match="--replace"):
        loader.apply(world)
    assert actions(fields(world)) == {("points__c", "replace"): "needs --replace"}
    assert person_fields(company)["Points"]["field_code"] == old
    assert actions(fields(world, replace=True)) == {("points__c", "replace"): "done"}
    new = person_fields(company)["Points"]
    assert new["field_code"] != old
    assert new["field_type"] == "varchar"
    for payload in world.payloads["person"].values():
        payload["points__c"] = str(payload["points__c"])
    assert loader.apply(world).counts["person"] == {"updated": 3}
    held = [one["custom_fields"][new["field_code"]] for one in company.records("/api/v2/persons")]
    assert held == ["0.0", "10.5", "21.0"]
    assert loader.apply(world).writes == 0


def test_a_field_that_holds_a_value_of_others_is_neither_replaced_nor_pruned(
    loader, company, worlds, fields
):
    world = loaded(loader, worlds)
    code = person_fields(company)["Points"]["field_code"]
    other = company.ask("POST", "/api/v2/persons", {"name": "Typed in", "custom_fields": {code: 7}})
    changed(world, "points__c", field_type="varchar")
    result = fields(world, replace=True)
    assert "1 records hold a value that is not ours" in actions(result)["points__c", "replace"]
    assert result.stays
    result = fields(dropped(world, "points__c"), prune=True)
    assert "1 records" in actions(result)["points__c", "prune"]
    assert person_fields(company)["Points"]["field_code"] == code
    company.ask("DELETE", f"/api/v2/persons/{other['data']['id']}")
    assert actions(fields(world, prune=True)) == {("points__c", "prune"): "done"}
    assert "Points" not in person_fields(company)


def test_what_the_catalogue_dropped_stays_until_prune_is_asked_for(loader, company, worlds, fields):
    world = dropped(loaded(loader, worlds), "points__c")
    assert actions(fields(world)) == {("points__c", "prune"): "needs --prune"}
    assert "Points" in person_fields(company)
    assert actions(fields(world, prune=True)) == {("points__c", "prune"): "done"}
    assert "Points" not in person_fields(company)
    assert fields(world, prune=True).steps == ()


def test_an_edited_value_of_ours_counts_as_one_of_others(loader, company, worlds, fields):
    world = dropped(loaded(loader, worlds), "groups__c")
    person = next(
        one for one in company.records("/api/v2/persons") if one["name"] == "Person Number1"
    )
    field = person_fields(company)["Groups"]
    every = [option["id"] for option in field["options"]]
    company.ask("PATCH", f"/api/v2/persons/{person['id']}",
                {"custom_fields": {field["field_code"]: every}})  # fmt: skip
    assert "1 records" in actions(fields(world, prune=True))["groups__c", "prune"]


def test_a_deletion_that_a_killed_run_of_ours_made_is_no_administrators_doing(
    loader, company, worlds, fields
):
    world = changed(loaded(loader, worlds), "points__c", field_type="varchar")
    company.faults(
        {"kind": "drop_response", "method": "DELETE", "path": "/personFields/", "times": 1},
        {"kind": "error_before", "method": "GET", "path": "/personFields", "status": 400,
         "after": 2},
    )  # fmt: skip
    with pytest.raises(Rejected):
        fields(world, replace=True)
    company.faults()
    assert "Points" not in person_fields(company)
    fields(world, replace=True)
    assert person_fields(company)["Points"]["field_type"] == "varchar"


def test_a_field_that_was_there_before_us_is_never_renamed_replaced_or_pruned(
    loader, company, worlds, fields
):
    company.ask("POST", "/api/v2/personFields", {"field_name": "Points", "field_type": "double"})
    world = worlds.small(persons=1, deals=0)
    steps = fields(world, dry_run=True)
    (step,) = [one for one in steps if one.action == "adopt"]
    assert step.why.startswith("same name and type")
    assert loader.apply(world).exit_code == 0
    result = fields(changed(world, "points__c", field_name="Loyalty points"))
    assert actions(result) == {("points__c", "left"): "reported"}
    with pytest.raises(ConfigError, match="before us"):
        fields(changed(world, "points__c", field_type="varchar"), replace=True)
    result = fields(dropped(world, "points__c"), prune=True)
    assert actions(result) == {("points__c", "left"): "reported"}
    assert "Points" in person_fields(company)


def test_a_field_of_the_same_name_and_another_type_is_a_clash_that_starts_nothing(
    loader, company, worlds, fields
):
    company.ask("POST", "/api/v2/personFields", {"field_name": "points ", "field_type": "text"})
    before = company.writes()
    with pytest.raises(ConfigError, match="another field_name"):
        fields(worlds.small(persons=1, deals=0))
    assert company.writes() == before


def test_a_committed_code_finds_a_field_whatever_its_name_is(loader, company, worlds, fields):
    made = company.ask(
        "POST", "/api/v2/personFields", {"field_name": "Punkte", "field_type": "double"}
    )["data"]
    world = worlds.small(persons=1, deals=0)
    world.codes = {("person", "points__c"): ["0" * 40, made["field_code"]]}
    steps = {one.column_name: one for one in fields(world, dry_run=True)}
    assert steps["points__c"].action == "adopt"
    assert steps["points__c"].why == "its code is committed"
    assert loader.apply(world).exit_code == 0
    assert "Points" not in person_fields(company)
    (person,) = company.records("/api/v2/persons")
    assert person["custom_fields"][made["field_code"]] == 0


def killed_while_changing(loader, plan, point):
    """A change of the fields in a process of its own, which dies at a point."""
    task = {
        "account": loader.settings(),
        "plan": str(plan.folder),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
    }
    (loader.folder / "schema.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("schema_process.py")), "schema.json"],
        cwd=loader.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LOAD_CRASHPOINT": f"{point}:field#1"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("point", SCHEMA_POINTS)
def test_a_change_of_fields_killed_at_any_point_is_finished_by_the_next(
    loader, company, worlds, fields, point
):
    world = dropped(changed(loaded(loader, worlds), "points__c", field_name="Balance"), "groups__c")
    killed_while_changing(loader, world.freeze(loader.folder / "plans"), point)
    result = fields(world, prune=True)
    assert not result.stays
    names = person_fields(company)
    assert "Balance" in names
    assert not {"Points", "Groups"} & names.keys()
    assert [step.action for step, _ in fields(world, prune=True).steps] == []
    assert loader.apply(world).exit_code == 0
    assert loader.apply(world).writes == 0
