"""What was there before us under the names of ours: taken for ours only if somebody confirms it."""

from __future__ import annotations

import asyncio

import pytest

from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError
from load.preflight import preflight
from load.progress import Silent
from load.run import Run
from load.schema import change_schema, plan_schema

DEFAULT_LABELS = {"Customer", "Hot lead", "Warm lead", "Cold lead"}
POINTS = [
    f"provision.{point}:{what}#1"
    for what in ("field", "option")
    for point in ("before_intent", "after_intent", "after_answer")
]


@pytest.fixture
def there(company):
    """Makes a pipeline with a stage, a label and a field that others had before us. Gives ids."""
    pipeline = company.ask("POST", "/api/v2/pipelines", {"name": "Orders"})["data"]["id"]
    stage = company.ask("POST", "/api/v2/stages", {"name": "Done", "pipeline_id": pipeline})
    options = "/api/v2/personFields/label_ids/options"
    label = company.ask("POST", options, [{"label": "regular"}])["data"][0]["id"]
    field = company.ask(
        "POST", "/api/v2/personFields", {"field_name": "Points", "field_type": "double"}
    )["data"]["field_code"]
    return {
        ("pipeline", "Orders"): [str(pipeline)],
        ("stage", "Done"): [str(stage["data"]["id"])],
        ("person", "Regular"): [str(label)],
        ("person", "points__c"): [field],
    }


@pytest.fixture
def asked(loader):
    """What the gate says of a world: its state and why."""

    def ask(world, **options):
        plan = world.freeze(loader.folder / "plans")

        async def work():
            with loader.ledger() as ledger:
                async with PipedriveClient(loader.account, ledger) as client:
                    return await preflight(
                        plan, ledger, client, settings=loader.account, clock=RealClock(),
                        progress=Silent(), watch_seconds=0.1, with_canary=False, **options,
                    )  # fmt: skip

        return next(gate for gate in asyncio.run(work()).gates if gate.name == "adopted")

    return ask


@pytest.fixture
def provision(loader):
    """Provisioning of a world; a dry run gives its steps alone."""

    def run(world, *, dry_run=False):
        plan = world.freeze(loader.folder / "plans")

        async def work():
            with loader.ledger() as ledger:
                async with PipedriveClient(loader.account, ledger, read_only=dry_run) as client:
                    job = Run(
                        plan, ledger, client, loader.account, RealClock(), Silent(),
                        lambda _entity: None,
                    )  # fmt: skip
                    if dry_run:
                        return await plan_schema(job)
                    ledger.start_run("provision", plan_digest=plan.digest, code_version="1")
                    try:
                        return await change_schema(job, replace=False, prune=False)
                    finally:
                        ledger.end_run("done", writes=job.writes)

        return asyncio.run(work())

    return run


def small(worlds, **size):
    world = worlds.small(**size)
    world.labels = ["Regular"]
    return world


def names(company, path):
    return [one["name"] for one in company.ask("GET", f"/api/v2/{path}?limit=500")["data"]]


def label_options(company):
    """Labels of persons but for those that every new company has."""
    listed = company.ask("GET", "/api/v2/personFields?limit=500")["data"]
    options = next(one["options"] for one in listed if one["field_code"] == "label_ids")
    return [one for one in options if one["label"] not in DEFAULT_LABELS]


def test_pipelines_stages_and_labels_of_others_are_ours_only_once_their_ids_are_committed(
    asked, company, loader, there, worlds
):
    world = small(worlds, persons=2, deals=1)
    gate = asked(world)
    assert gate.state == "red"
    assert "4 things" in gate.why
    for (entity, _), (code,) in there.items():
        assert entity in gate.why
        assert code in gate.why
    assert asked(world, waive={"adopted"}).state == "waived"
    world.codes = dict(there)
    del world.codes["stage", "Done"]
    assert "1 things" in asked(world).why
    world.codes = there
    assert asked(world).state == "green"
    assert loader.apply(world).exit_code == 0
    assert names(company, "pipelines").count("Orders") == 1
    assert sorted(names(company, "stages")).count("Done") == 1
    assert [one["label"] for one in label_options(company)] == ["regular"]
    held = [one["label_ids"] for one in company.records("/api/v2/persons")]
    assert [int(there["person", "Regular"][0])] in held
    # what the ledger knows by now needs no line any more
    world.codes = {}
    assert asked(world).state == "green"


def test_provisioning_shows_what_it_would_add_and_takes_nothing_that_nobody_confirmed(
    company, provision, there, worlds
):
    world = small(worlds, persons=2, deals=1)
    before = company.writes()
    shown = {(one.entity, one.column_name): one.action for one in provision(world, dry_run=True)}
    assert shown["pipeline", "aiq:pipeline:Orders"] == "adopt"
    assert shown["stage", "aiq:stage:Done"] == "adopt"
    assert shown["stage", "aiq:stage:New"] == "create"
    with pytest.raises(ConfigError, match=r"field_codes\.csv"):
        provision(world)
    assert company.writes() == before
    world.codes = there
    world.labels.append("Wholesale")
    added = next(one for one in provision(world, dry_run=True) if one.action == "add")
    assert (added.column_name, added.becomes, added.tokens) == ("label_names", "Wholesale", 5)
    provision(world)
    assert provision(world).steps == ()
    assert provision(world, dry_run=True) == []


def test_a_committed_id_finds_pipeline_stage_and_label_whatever_their_names_are(
    asked, company, loader, worlds
):
    pipeline = company.ask("POST", "/api/v2/pipelines", {"name": "Sales"})["data"]["id"]
    stage = company.ask("POST", "/api/v2/stages", {"name": "Paid", "pipeline_id": pipeline})
    options = "/api/v2/personFields/label_ids/options"
    label = company.ask("POST", options, [{"label": "Stammkunde"}])["data"][0]["id"]
    world = small(worlds, persons=2, deals=1)
    world.codes = {
        ("pipeline", "Orders"): [str(pipeline)],
        ("stage", "Done"): [str(stage["data"]["id"])],
        ("person", "Regular"): [str(label)],
    }
    assert asked(world).state == "green"
    assert loader.apply(world).exit_code == 0
    assert "Orders" not in names(company, "pipelines")
    (deal,) = company.records("/api/v2/deals")
    assert deal["stage_id"] == stage["data"]["id"]
    assert [one["label"] for one in label_options(company)] == ["Stammkunde"]


def test_an_option_that_an_administrator_renamed_is_told_and_not_made_again(
    company, loader, provision, worlds
):
    world = small(worlds, persons=3, deals=0)
    assert loader.apply(world).exit_code == 0
    (label,) = label_options(company)
    body = [{"id": label["id"], "label": "Our regulars"}]
    company.ask("PATCH", "/api/v2/personFields/label_ids/options", body)
    (step,) = provision(world, dry_run=True)
    assert (step.action, step.was, step.becomes) == ("left", "Regular", "Our regulars")
    world.add("person", "aiq:contact:9", name="Person Number9", label_names=["Regular"])
    assert loader.apply(world).exit_code == 0
    assert [one["label"] for one in label_options(company)] == ["Our regulars"]
    last = company.records("/api/v2/persons")[-1]
    assert last["label_ids"] == [label["id"]]


def test_labels_that_a_killed_run_made_are_ours_and_nobody_is_asked(asked, company, loader, worlds):
    world = small(worlds, persons=2, deals=0)
    plan = world.freeze(loader.folder / "plans")
    loader.apply_in_process(plan, crashpoint="provision.after_answer:option#1")
    assert [one["label"] for one in label_options(company)] == ["Regular"]
    assert asked(world).state == "green"
    assert loader.apply(world).exit_code == 0
    with loader.ledger() as ledger:
        made = "select created_by_run from option_ids where column_name = 'label_names'"
        assert [row[0] is not None for row in ledger.db.execute(made)] == [True]
    # from now on a label of that name that others make is theirs
    world.labels.append("Wholesale")
    company.ask("POST", "/api/v2/personFields/label_ids/options", [{"label": "Wholesale"}])
    assert asked(world).state == "red"


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_adopts_killed_at_any_point_of_provisioning_ends_as_if_never_killed(  # noqa: PLR0917 (fixtures)
    asked, company, loader, there, worlds, point
):
    world = small(worlds, persons=4, deals=2)
    world.codes = there
    world.labels.append("Wholesale")
    assert loader.apply_in_process(world.freeze(loader.folder / "plans"), crashpoint=point) == -9
    assert asked(world).state == "green"
    assert loader.apply(world).exit_code == 0
    assert loader.apply(world).writes == 0
    listed = company.ask("GET", "/api/v2/personFields?limit=500")["data"]
    ours = [one["field_name"] for one in listed if one["is_custom_field"]]
    assert len(ours) == len(set(ours))
    assert sorted(one["label"] for one in label_options(company)) == ["Wholesale", "regular"]
    assert names(company, "pipelines").count("Orders") == 1
    with loader.ledger() as ledger:
        known = dict(
            ledger.db.execute(
                "select option_label, created_by_run is not null from option_ids"
                " where column_name = 'label_names'"
            ).fetchall()
        )
        adopted = "select created_by_run from field_codes where column_name = 'points__c'"
        assert ledger.db.execute(adopted).fetchone()[0] is None
    assert known == {"Regular": 0, "Wholesale": 1}
