"""The undo drill: what the account held before a load, it holds after the load and its undo."""

from __future__ import annotations

import signal

import pytest

from load.sample import sample_of

PERSON = "aiq:contact:"


def seeded(company):
    """Somebody's account: an organization, two people, a deal with a note and an activity."""
    shop = company.ask("POST", "/api/v2/organizations", {"name": "Old Customer"})["data"]
    body = {"name": "Typed In By Hand", "org_id": shop["id"]}
    person = company.ask("POST", "/api/v2/persons", body)["data"]
    body = {"title": "An older deal", "person_id": person["id"], "value": 10}
    deal = company.ask("POST", "/api/v2/deals", body)["data"]
    company.ask("POST", "/api/v1/notes", {"content": "<p>call back</p>", "deal_id": deal["id"]})
    company.ask("POST", "/api/v2/activities", {"subject": "Call", "deal_id": deal["id"]})
    return person["id"]


def writes_of(company):
    return company.writes()


def test_load_and_undo_with_fields_leave_the_account_byte_for_byte_as_it_was(
    loader, company, worlds, undoing
):
    seeded(company)
    before = undoing.dump(company)
    world = worlds.small()
    assert loader.apply(world).exit_code == 0
    for number in (1, 4):
        world.payloads["person"][f"{PERSON}{number}"]["points__c"] = 999.5
    assert loader.apply(world).exit_code == 0
    assert undoing.dump(company) != before
    result = undoing.run(loader, undoing.ALL_AND_FIELDS)
    assert (result.exit_code, result.stays) == (0, ()), "; ".join(result.stays)
    assert undoing.dump(company) == before
    sent = writes_of(company)
    assert undoing.run(loader, undoing.ALL_AND_FIELDS).writes == 0
    assert writes_of(company) == sent


def test_a_sample_that_is_taken_back_leaves_nothing(loader, company, worlds, undoing):
    seeded(company)
    before = undoing.dump(company)
    plan = worlds.small(persons=10, deals=6).freeze(loader.folder / "plans")
    sample = sample_of(plan, 3)
    assert loader.apply(sample.plan).exit_code == 0
    assert undoing.dump(company) != before
    assert undoing.run(loader, undoing.ALL_AND_FIELDS).exit_code == 0
    assert undoing.dump(company) == before


def test_the_spent_tokens_are_those_of_the_plan_within_two_percent(
    loader, company, worlds, undoing
):
    seeded(company)
    loader.apply(worlds.small(persons=60, deals=40))
    planned = undoing.run(loader, dry_run=True).plan.tokens
    spent_before = company.door("GET", "stats")["tokens"]
    result = undoing.run(loader)
    spent = company.door("GET", "stats")["tokens"] - spent_before
    assert result.tokens + 2 == spent, "the look at whose token it is comes before the run"
    assert abs(spent - planned) / planned < 0.02, (spent, planned)


def test_a_dry_run_shows_the_plan_and_sends_no_write(loader, company, worlds, undoing):
    loader.apply(worlds.small())
    sent = writes_of(company)
    result = undoing.run(loader, dry_run=True)
    assert writes_of(company) == sent
    counts = result.plan.counts()
    assert counts["person", "delete"] == 12
    assert counts["deal_product", "with its deal"] == 20
    deletions = [row for row in result.plan.rows if row.what == "delete"]
    assert all(row.restorable_until is not None and row.tokens > 0 for row in deletions)
    assert undoing.run(loader, agrees=False).writes == 0
    assert writes_of(company) == sent


def test_an_adopted_record_gets_back_what_it_held(loader, company, worlds, undoing):
    person = seeded(company)
    before = undoing.dump(company, provisioned=False)
    world = worlds.small(persons=3, deals=3)
    # highest of the ranks: it may be cleared again
    world.actions[f"{PERSON}2"] = ("adopt", person)
    assert loader.apply(world).exit_code == 0
    assert undoing.dump(company, provisioned=False) != before
    result = undoing.run(loader)
    assert result.exit_code == 0, result.plan.spared()
    assert result.counts["person"] == {"deleted": 2, "restored": 1}
    assert undoing.dump(company, provisioned=False) == before
    assert undoing.run(loader).writes == 0


def test_what_people_did_meanwhile_is_spared_and_listed(loader, company, worlds, undoing):
    old = seeded(company)
    world = worlds.small(persons=6, deals=4)
    world.actions[f"{PERSON}5"] = ("adopt", old)
    loader.apply(world)
    company.door("POST", "edit", {
        "action": "patch", "entity": "person", "changes": {"name": "Edited By Hand"},
        "match": {"field": "Migration key", "value": f"{PERSON}0"},
    })  # fmt: skip
    company.door("POST", "edit", {
        "action": "patch", "entity": "person", "id": old,
        "changes": {"custom_fields_by_name": {"Points": 1.25}},
    })  # fmt: skip
    filled = target(loader, f"{PERSON}3")
    company.door("POST", "edit", {
        "action": "patch", "entity": "person", "id": filled,
        "changes": {"phones": [{"value": "+15550100"}]},
    })  # fmt: skip
    called = target(loader, f"{PERSON}4")
    company.door("POST", "edit", {
        "action": "create", "entity": "activity",
        "changes": {"subject": "Call", "participants": [{"person_id": called, "primary": True}]},
    })  # fmt: skip
    sold = target(loader, "aiq:order:1")
    company.door("POST", "edit", {
        "action": "create", "entity": "note",
        "changes": {"content": "a note of others", "deal_id": sold},
    })  # fmt: skip
    result = undoing.run(loader)
    assert result.exit_code == 3
    why = {row.source_key: row.why for row in result.plan.spared() if not row.columns}
    assert why[f"{PERSON}0"] == "changed by others: name"
    assert why[f"{PERSON}3"] == "changed by others: phones"
    assert why[f"{PERSON}4"] == "carries activities of others"
    assert why["aiq:order:1"] == "carries a note of others"
    assert why[f"{PERSON}1"] == "carries a deal that stays"
    assert {row.columns for row in result.plan.spared() if row.columns} == {("points__c",)}
    live = {one["id"] for one in company.records("/api/v2/persons")}
    assert live == {old, filled, called, *(target(loader, f"{PERSON}{n}") for n in (0, 1))}
    assert {one["name"] for one in company.records("/api/v2/persons")} >= {"Edited By Hand"}
    dangling = [
        one for one in company.records("/api/v2/deals") if one["person_id"] not in {*live, None}
    ]
    assert dangling == []
    assert undoing.run(loader).writes == 0


def target(loader, source_key):
    with loader.ledger() as ledger:
        row = ledger.db.execute(
            "select pipedrive_id from id_map where source_key = ?", (source_key,)
        ).fetchone()
    return row[0]


def opt_in(loader, company, person):
    path = f"/api/v2/persons/{person}?include_option_labels=true"
    with loader.ledger() as ledger:
        code = ledger.db.execute(
            "select field_code from field_codes where column_name = 'opt_in__c'"
        ).fetchone()[0]
    return company.ask("GET", path)["data"]["custom_fields"][code]["label"]


def test_consent_is_never_widened_by_a_restore_and_listed_as_narrowed(
    loader, company, worlds, undoing
):
    world = worlds.small(persons=3, deals=0)
    loader.apply(world)
    world.payloads["person"][f"{PERSON}2"] |= {"opt_in__c": "No", "points__c": 5.0}
    assert loader.apply(world).counts["person"]["updated"] == 1
    with loader.ledger() as ledger:
        run_id = ledger.db.execute("select run_id from runs order by started_at").fetchall()[-1][0]
    result = undoing.run(loader, type(undoing.ALL)(run_id=run_id))
    assert opt_in(loader, company, target(loader, f"{PERSON}2")) == "No"
    narrowed = [row for row in result.plan.spared() if row.why.startswith("narrowed")]
    assert [row.columns for row in narrowed] == [("opt_in__c",)]
    assert result.counts["person"]["restored"] == 1
    assert len(company.records("/api/v2/persons")) == 3
    assert undoing.run(loader, type(undoing.ALL)(run_id=run_id)).writes == 0
    again = loader.apply(world)
    assert again.counts["person"]["updated"] == 1, "a new plan may write it again"


@pytest.mark.parametrize(
    "point",
    [
        "undo.before_intent:person#1",
        "undo.after_intent:product#1",
        "undo.after_answer:deal#2",
        "undo.after_outcome:deal#3",
        "undo.after_answer:person#1",
        "undo.after_intent:organization#1",
        "undo.before_verify:run#1",
    ],
)
def test_a_load_and_an_undo_that_were_killed_still_end_where_they_began(
    loader, company, worlds, undoing, point
):
    person = seeded(company)
    before = undoing.dump(company, provisioned=False)
    world = worlds.small(persons=6, deals=5)
    world.actions[f"{PERSON}2"] = ("adopt", person)
    plan = world.freeze(loader.folder / "plans")
    killed = loader.apply_in_process(plan, crashpoint="create.after_answer:deal#4")
    assert killed == -signal.SIGKILL
    killed = undoing.in_process(loader, point, {"everything": True})
    assert killed == -signal.SIGKILL
    result = undoing.run(loader)
    assert result.exit_code == 0, (result.plan.spared(), result.stays)
    assert undoing.dump(company, provisioned=False) == before
    assert undoing.run(loader).writes == 0
    with loader.ledger() as ledger:
        assert ledger.check_events() > 0
        left = ledger.db.execute("select count(*) from id_map where state = 'removing'").fetchone()
    assert left[0] == 0


@pytest.mark.parametrize("kind", ["drop_request", "drop_response", "error_after", "late_apply"])
def test_a_deletion_of_unknown_outcome_is_looked_at_before_it_is_repeated(
    loader, company, worlds, undoing, kind
):
    before = undoing.dump(company, provisioned=False)
    loader.apply(worlds.small(persons=6, deals=4))
    company.faults({"kind": kind, "method": "DELETE", "every": 3, "times": 6, "seconds": 0.15})
    result = undoing.run(loader)
    company.faults()
    assert result.exit_code == 0, result
    assert undoing.dump(company, provisioned=False) == before
    assert undoing.run(loader).writes == 0


def test_a_used_up_budget_stops_with_75_and_the_undo_goes_on_later(
    loader, company, worlds, undoing
):
    before = undoing.dump(company, provisioned=False)
    loader.budget_share = 1.0
    loader.apply(worlds.small())
    spent = company.door("GET", "stats")["tokens_today"]
    company.config(daily_budget=spent + 150)
    stopped = undoing.run(loader)
    assert stopped.exit_code == 75
    assert "resume" in stopped.message
    company.config(daily_budget=None)
    assert undoing.run(loader).exit_code == 0
    assert undoing.dump(company, provisioned=False) == before


def test_a_deal_that_somebody_archived_stays(loader, company, worlds, undoing):
    loader.apply(worlds.small(persons=2, deals=2))
    archived = target(loader, "aiq:order:0")
    company.door("POST", "edit", {"action": "archive", "entity": "deal", "id": archived})
    result = undoing.run(loader)
    why = {row.source_key: row.why for row in result.plan.spared()}
    assert why["aiq:order:0"] == "changed by others: is_archived"
    assert len(company.records("/api/v2/deals/archived")) == 1


@pytest.mark.parametrize("allowed", ["allow", "refuse"])
def test_a_deal_that_the_load_archived_is_deleted_or_listed_with_the_refusal(
    loader, company, worlds, undoing, allowed
):
    world = worlds.small(persons=1, deals=1, lines=(0,))
    del world.payloads["note"]
    world.payloads["deal"]["aiq:order:0"]["is_archived"] = True
    loader.apply(world)
    assert len(company.records("/api/v2/deals/archived")) == 1
    company.config(archived_delete=allowed)
    result = undoing.run(loader)
    left = len(company.records("/api/v2/deals/archived"))
    if allowed == "allow":
        assert (result.exit_code, left) == (0, 0)
    else:
        assert (result.exit_code, left) == (3, 1)
        assert result.counts["deal"]["refused"] == 1
        assert len(company.records("/api/v2/persons")) == 1, "its person stays with it"
        assert len(company.records("/api/v2/organizations")) == 1


def test_after_an_undo_a_new_plan_creates_again_and_the_old_one_does_not(
    loader, company, worlds, undoing
):
    world = worlds.small(persons=3, deals=2)
    old = world.freeze(loader.folder / "plans")
    loader.apply(old)
    assert undoing.run(loader).exit_code == 0
    assert company.records("/api/v2/persons") == []
    assert loader.apply(old).writes == 0
    assert company.records("/api/v2/persons") == []
    assert loader.apply(world).exit_code == 0
    assert len(company.records("/api/v2/persons")) == 3
    assert len(company.records("/api/v2/deals")) == 2


def test_one_entity_and_one_field_can_be_taken_back_alone(loader, company, worlds, undoing):
    loader.apply(worlds.small(persons=3, deals=3))
    choose = type(undoing.ALL)
    assert undoing.run(loader, choose(entity="note")).exit_code == 0
    assert company.records("/api/v1/notes") == []
    assert len(company.records("/api/v2/deals")) == 3
    result = undoing.run(loader, choose(column="points__c"))
    assert result.exit_code == 0
    with loader.ledger() as ledger:
        code = ledger.db.execute(
            "select field_code from field_codes where column_name = 'points__c'"
        ).fetchone()[0]
    held = [one["custom_fields"][code] for one in company.records("/api/v2/persons")]
    assert held == [None, None, None]
