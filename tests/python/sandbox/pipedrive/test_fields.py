"""Field definitions and options, by both API versions."""

from __future__ import annotations

import re

import pytest

FIELDS = "/api/v2/personFields"


def test_codes_differ_by_account_and_are_the_same_for_the_same_seed(make):
    codes = [
        make(str(number), seed=seed).field()["field_code"] for number, seed in enumerate([1, 1, 2])
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", code) for code in codes)
    assert codes[0] == codes[1] != codes[2]


def test_names_are_not_unique_and_codes_are(pipedrive):
    first, second = pipedrive.field(), pipedrive.field()
    assert first["field_name"] == second["field_name"]
    assert first["field_code"] != second["field_code"]


def test_option_ids_come_from_one_sequence_of_the_company(pipedrive):
    first = pipedrive.field(kind="enum", options=[{"label": "A"}, {"label": "B"}])
    second = pipedrive.field("deal", "set", options=[{"label": "A"}])
    ids = [option["id"] for option in first["options"] + second["options"]]
    assert ids == list(range(ids[0], ids[0] + 3))


@pytest.mark.parametrize(
    "body",
    [
        {"field_name": "A"},
        {"field_name": "", "field_type": "varchar"},
        {"field_name": "x" * 256, "field_type": "varchar"},
        {"field_name": "A", "field_type": "boolean"},
        {"field_name": "A", "field_type": "enum"},
        {"field_name": "A", "field_type": "enum", "options": [{"label": "x"}, {"label": " X "}]},
        {"field_name": "A", "field_type": "varchar", "options": [{"label": "x"}]},
        {"field_name": "A", "field_type": "varchar", "field_code": "mine"},
    ],
)
def test_a_field_that_cannot_be_is_refused(pipedrive, body):
    assert pipedrive.call("POST", FIELDS, body)[0] == 400
    assert pipedrive.door("GET", "stats")["custom_fields"] == 0


def test_the_field_cap_counts_all_entities_and_deletion_frees_a_place(make):
    pipedrive = make(plan="lite", seats=1)
    fields = [
        pipedrive.field(entity) for entity in ("person", "deal", "product") for _ in range(10)
    ]
    body = {"field_name": "One more", "field_type": "varchar"}
    status, answer = pipedrive.call("POST", "/api/v2/organizationFields", body)
    assert (status, answer["code"]) == (403, "feature_capping_custom_fields_limit")
    pipedrive.data("DELETE", f"{FIELDS}/{fields[0]['field_code']}")
    assert pipedrive.call("POST", "/api/v2/organizationFields", body)[0] == 200


def test_a_deleted_field_takes_its_values_and_refuses_new_ones(pipedrive):
    code = pipedrive.field()["field_code"]
    person = pipedrive.person(custom_fields={code: "x"})
    pipedrive.data("DELETE", f"{FIELDS}/{code}")
    assert pipedrive.data("GET", f"/api/v2/persons/{person}")["custom_fields"] == {}
    body = {"custom_fields": {code: "y"}}
    assert "Unknown key" in pipedrive.error("PATCH", f"/api/v2/persons/{person}", body)[1]
    assert pipedrive.error("GET", f"{FIELDS}/{code}")[0] == 404


def test_options_change_as_a_batch_or_not_at_all(pipedrive):
    field = pipedrive.field(kind="enum", options=[{"label": "Gold"}])
    path = f"{FIELDS}/{field['field_code']}/options"
    gold = field["options"][0]["id"]
    assert pipedrive.error("POST", path, [{"label": "Silver"}, {"label": "gold"}])[0] == 400
    assert (
        pipedrive.error("PATCH", path, [{"id": gold, "label": "x"}, {"id": 1, "label": "y"}])[0]
        == 400
    )
    assert pipedrive.error("POST", path, {"label": "Silver"})[0] == 400
    assert pipedrive.error("POST", path, [])[0] == 400
    _, answer = pipedrive.call("POST", path, [{"label": "Silver"}])
    assert answer["additional_data"] is None
    assert [option["label"] for option in answer["data"]] == ["Silver"]
    pipedrive.data("PATCH", path, [{"id": gold, "label": "Gold+"}])
    labels = [
        option["label"] for option in pipedrive.data("GET", path[: -len("/options")])["options"]
    ]
    assert labels == ["Gold+", "Silver"]


def test_removing_an_option_clears_it_from_records(pipedrive):
    field = pipedrive.field(kind="set", options=[{"label": "A"}, {"label": "B"}])
    code, ids = field["field_code"], [option["id"] for option in field["options"]]
    person = pipedrive.person(custom_fields={code: ids})
    pipedrive.data("DELETE", f"{FIELDS}/{code}/options", [{"id": ids[0]}])
    assert pipedrive.data("GET", f"/api/v2/persons/{person}")["custom_fields"][code] == ids[1:]
    pipedrive.data("DELETE", f"{FIELDS}/{code}/options", [{"id": ids[1]}])
    assert pipedrive.data("GET", f"/api/v2/persons/{person}")["custom_fields"][code] is None


def test_field_lists_have_pages(pipedrive):
    whole = pipedrive.walk(FIELDS)
    assert pipedrive.walk(FIELDS, limit=3) == whole


def test_v1_replaces_the_whole_list_of_options(pipedrive):
    field = pipedrive.field(kind="enum", options=[{"label": "A"}, {"label": "B"}])
    kept = field["options"][0]
    listed = pipedrive.data("GET", "/api/v1/personFields", limit=500)
    number = next(entry["id"] for entry in listed if entry["key"] == field["field_code"])
    body = {"options": [{"id": kept["id"], "label": "A+"}, {"label": "C"}]}
    pipedrive.data("PUT", f"/api/v1/personFields/{number}", body)
    options = pipedrive.data("GET", f"{FIELDS}/{field['field_code']}")["options"]
    assert [option["label"] for option in options] == ["A+", "C"]
    assert pipedrive.data("DELETE", f"/api/v1/personFields/{number}") == {"id": number}
    assert pipedrive.error("DELETE", f"/api/v1/personFields/{number}")[0] == 410


def test_v1_labels_can_be_created_with_a_colour(pipedrive):
    listed = pipedrive.data("GET", "/api/v1/personFields", limit=500)
    field = next(entry for entry in listed if entry["key"] == "label_ids")
    body = {"options": [*field["options"], {"label": "VIP", "color": "purple"}]}
    changed = pipedrive.data("PUT", f"/api/v1/personFields/{field['id']}", body)
    assert changed["options"][-1]["color"] == "purple"


def test_only_administrators_manage_fields(pipedrive):
    pipedrive.config(administrator=False)
    body = {"field_name": "A", "field_type": "varchar"}
    assert pipedrive.error("POST", FIELDS, body)[0] == 403
    assert pipedrive.data("GET", "/api/v1/users/me")["access"] == []


def test_activity_fields_are_read_only(pipedrive):
    assert pipedrive.walk("/api/v2/activityFields")
    assert pipedrive.reply("POST", "/api/v2/activityFields", {}).status == 405
