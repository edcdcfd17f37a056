"""What an update sends: only what changed, never over a person's edit, never raising consent."""

from __future__ import annotations

import pytest

PERSON = "aiq:contact:"


@pytest.fixture
def loaded(loader, worlds):
    """A loaded company and its world, without deals."""
    world = worlds.small(persons=6, deals=0)
    assert loader.apply(world).exit_code == 0
    return world


def person_id(loader, number):
    with loader.ledger() as ledger:
        row = ledger.db.execute(
            "select pipedrive_id from id_map where source_key = ?", (f"{PERSON}{number}",)
        ).fetchone()
    return row[0]


def person(loader, number):
    path = f"/api/v2/persons/{person_id(loader, number)}?include_option_labels=true"
    return loader.company.ask("GET", path)["data"]


def edit(loader, number, body):
    loader.company.ask("PATCH", f"/api/v2/persons/{person_id(loader, number)}", body)


def code(loader, column):
    with loader.ledger() as ledger:
        row = ledger.db.execute(
            "select field_code from field_codes where entity = 'person' and column_name = ?",
            (column,),
        ).fetchone()
    return row[0]


def option(loader, column, label):
    with loader.ledger() as ledger:
        row = ledger.db.execute(
            "select option_id from option_ids where column_name = ? and option_label = ?",
            (column, label),
        ).fetchone()
    return row[0]


def test_an_apply_after_a_changed_column_sends_exactly_the_rows_and_fields_that_changed(
    loader, company, loaded
):
    company.config(record_exchanges=True)
    for number in (1, 4):
        loaded.payloads["person"][f"{PERSON}{number}"]["points__c"] = 999.5
    result = loader.apply(loaded)
    assert result.counts["person"] == {"unchanged": 4, "updated": 2}
    assert result.writes == 2
    assert {person(loader, n)["custom_fields"][code(loader, "points__c")] for n in (1, 4)} == {
        999.5
    }
    with loader.ledger() as ledger:
        columns = ledger.db.execute("select column_name from journal").fetchall()
        images = ledger.db.execute("select count(*) from before_images").fetchone()[0]
    assert [row[0] for row in columns] == ["points__c", "points__c"]
    assert images == 2
    assert loader.apply(loaded).writes == 0


def test_a_persons_edit_is_kept_and_reported_while_other_columns_go_through(loader, loaded):
    edit(loader, 2, {"name": "Edited By Hand"})
    row = loaded.payloads["person"][f"{PERSON}2"]
    row |= {"name": "Source Name", "points__c": 1.0}
    result = loader.apply(loaded)
    assert result.exit_code == 4
    shown = person(loader, 2)
    assert shown["name"] == "Edited By Hand"
    assert shown["custom_fields"][code(loader, "points__c")] == 1.0
    assert loader.apply(loaded).writes == 0


def test_consent_goes_down_but_never_up(loader, loaded):
    rows = loaded.payloads["person"]
    rows[f"{PERSON}0"]["opt_in__c"] = "Yes"  # holds No
    rows[f"{PERSON}2"]["opt_in__c"] = "No"  # holds Yes
    # a person of the account opted out by hand; the source still says Yes
    edit(
        loader, 5, {"custom_fields": {code(loader, "opt_in__c"): option(loader, "opt_in__c", "No")}}
    )
    rows[f"{PERSON}5"] |= {"opt_in__c": "Unknown", "points__c": 3.0}
    result = loader.apply(loaded)
    held = [
        person(loader, n)["custom_fields"][code(loader, "opt_in__c")]["label"] for n in (0, 2, 5)
    ]
    assert held == ["No", "No", "No"]
    assert result.exit_code == 4


def test_opt_outs_go_before_everything_else_whatever_their_wave(loader, company, loaded):
    optout, late = f"{PERSON}2", 3
    loaded.payloads["person"][optout] |= {"opt_in__c": "No", "points__c": 7.0}
    loaded.actions[optout] = ("update", person(loader, 2)["id"])
    loaded.changed[optout] = ["opt_in__c", "points__c"]
    loaded.waves[optout] = late
    loaded.add("organization", "aiq:store:9", name="New shop")
    loaded.add("person", f"{PERSON}99", name="Somebody New")
    before = len(company.calls())
    result = loader.apply(loaded)
    sent = [one for one in company.calls()[before:] if one["method"] != "GET"]
    assert (sent[0]["method"], sent[0]["path"].rpartition("/")[0]) == ("PATCH", "/api/v2/persons")
    assert [one["method"] for one in sent[1:]] == ["POST", "POST"]
    assert result.counts["person"] == {"created": 1, "unchanged": 5, "updated": 1}
    assert person(loader, 2)["custom_fields"][code(loader, "points__c")] == 7.0
    assert loader.apply(loaded).writes == 0


@pytest.mark.parametrize(
    ("column", "value", "reason_code"),
    [("org__source_key", "aiq:store:refused", "parent"), ("groups__c", ["East"], "mapping")],
)
def test_an_opt_out_goes_through_though_another_column_has_to_wait(
    loader, loaded, column, value, reason_code
):
    loaded.add("organization", "aiq:store:refused", name="")  # a name is required
    row = loaded.payloads["person"][f"{PERSON}2"]
    row |= {"opt_in__c": "No", column: value}  # holds Yes
    before = person(loader, 2)
    assert loader.apply(loaded).exit_code == 4
    shown = person(loader, 2)
    assert shown["custom_fields"][code(loader, "opt_in__c")]["label"] == "No"
    assert shown["org_id"] == before["org_id"]
    assert why(loader, 2)[0] == reason_code
    assert column in why(loader, 2)[1]
    assert loader.apply(loaded).writes == 0
    loaded.payloads["organization"]["aiq:store:refused"]["name"] = "Mended"
    loaded.options.append(("person", "groups__c", "East", 0))
    assert loader.apply(loaded).exit_code == 0
    assert why(loader, 2) == (None, None)
    assert (person(loader, 2)["org_id"] == before["org_id"]) == (reason_code == "mapping")


def why(loader, number):
    with loader.ledger() as ledger:
        row = ledger.db.execute(
            "select reason_code, reason from id_map where source_key = ?", (f"{PERSON}{number}",)
        ).fetchone()
    return tuple(row)


def test_elements_that_others_added_survive_an_update_of_a_list(loader, loaded):
    added = {"value": "private@example.org", "primary": False, "label": "home"}
    shown = person(loader, 1)
    edit(loader, 1, {"emails": [*shown["emails"], added]})
    row = loaded.payloads["person"][f"{PERSON}1"]
    row["emails"] = [{"value": "new@example.com", "primary": True, "label": "work"}]
    row["label_names"] = ["Big spender"]
    row["groups__c"] = ["South"]
    assert loader.apply(loaded).exit_code == 0
    after = person(loader, 1)
    assert {entry["value"] for entry in after["emails"]} == {
        "private@example.org",
        "new@example.com",
    }
    groups = after["custom_fields"][code(loader, "groups__c")]
    assert [one["label"] for one in groups] == ["South"]
    assert after["label_ids"] == [option(loader, "label_names", "Big spender")]
    assert loader.apply(loaded).writes == 0


@pytest.mark.parametrize("kind", ["drop_request", "drop_response", "error_after", "late_apply"])
def test_an_update_of_unknown_outcome_is_read_before_it_is_sent_again(
    loader, company, loaded, kind
):
    for number in range(6):
        loaded.payloads["person"][f"{PERSON}{number}"]["points__c"] = 7.0
    company.faults({"kind": kind, "method": "PATCH", "every": 2, "times": 3, "seconds": 0.15})
    result = loader.apply(loaded)
    assert result.exit_code == 0
    company.faults()
    points = code(loader, "points__c")
    assert {person(loader, n)["custom_fields"][points] for n in range(6)} == {7.0}
    assert loader.apply(loaded).writes == 0


def test_an_adopted_record_is_filled_where_it_is_empty_and_left_alone_elsewhere(loader, worlds):
    found = loader.company.ask("POST", "/api/v2/persons", {"name": "Typed In By Hand"})["data"]
    world = worlds.small(persons=2, deals=0)
    world.actions[f"{PERSON}1"] = ("adopt", found["id"])
    result = loader.apply(world)
    assert result.exit_code == 0, result
    assert person_id(loader, 1) == found["id"]
    shown = person(loader, 1)
    assert shown["name"] == "Typed In By Hand"
    assert shown["emails"][0]["value"] == "p1@example.com"
    assert shown["custom_fields"][code(loader, "opt_in__c")]["label"] == "Unknown"
    assert len(loader.company.records("/api/v2/persons")) == 2
    with loader.ledger() as ledger:
        origin = ledger.db.execute(
            "select origin from id_map where source_key = ?", (f"{PERSON}1",)
        ).fetchone()[0]
    assert origin == "adopted"
    assert loader.apply(world).writes == 0


def test_a_record_that_somebody_deleted_is_not_made_again(loader, company, loaded):
    company.ask("DELETE", f"/api/v2/persons/{person_id(loader, 3)}")
    loaded.payloads["person"][f"{PERSON}3"]["points__c"] = 1.5
    result = loader.apply(loaded)
    assert result.exit_code == 4
    assert len(company.records("/api/v2/persons")) == 5
    assert loader.states("person")[f"{PERSON}3"] == "gone"
