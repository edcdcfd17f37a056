"""v2 is strict: one bad value refuses the whole request, and the reason names it."""

from __future__ import annotations

import pytest

PERSONS = "/api/v2/persons"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": "A", "shoe_size": 44}, "shoe_size: Parameter 'shoe_size' is not allowed"),
        ({"name": "A", "org_id": "7"}, "org_id: The value is not a valid 'number'"),
        ({"name": "A", "org_id": 999_999}, "org_id: The organization 999999 does not exist"),
        ({"name": "A", "label_ids": ["5"]}, "label_ids.0"),
        ({"name": "A", "label_ids": [1]}, "label_ids: Option 1 does not exist"),
        ({"name": None}, "name: The value is not a valid 'string'"),
        ({"name": "  "}, "name: The value must not be empty"),
        ({}, "name: The value is required"),
        ({"name": "A B", "first_name": "A"}, "Cannot set 'name' and 'first_name'/'last_name'"),
        ({"name": "A", "add_time": "2026-01-01 00:00:00"}, "add_time: The value is not a valid"),
        ({"name": "A", "add_time": "2026-01-01T00:00:00.5Z"}, "add_time"),
        ({"name": "A", "update_time": "2026-01-01T00:00:00Z"}, "update_time: Parameter"),
        ({"name": "A", "emails": [{"primary": True}]}, "emails: The value is required"),
        ({"name": "A", "emails": [{"value": "a", "kind": "x"}]}, "emails.0.kind"),
        ({"name": "A", "visible_to": 5}, "visible_to: The value 5 is not allowed on this plan"),
        ({"name": "A", "owner_id": 1}, "owner_id: The user 1 does not exist"),
        ({"name": True}, "name: The value is not a valid 'string'"),
        ({"name": "A", "0f" * 20: "x"}, "is not allowed for this request"),
    ],
)
def test_a_bad_person_is_refused_by_name_and_nothing_is_stored(pipedrive, body, named):
    status, answer = pipedrive.call("POST", PERSONS, body)
    assert (status, answer["code"]) == (400, "ERR_SCHEMA_VALIDATION_FAILED")
    assert answer["error"].startswith("Validation failed: ")
    assert named in answer["error"]
    assert pipedrive.walk(PERSONS) == []


FIELD_CASES = [
    ("varchar", 5, "Expected 'string' as short text"),
    ("varchar", "x" * 256, "longer than 255"),
    ("phone", ["1"], "Expected 'string'"),
    ("text", "x" * 65_536, "longer than 65535"),
    ("double", "5", "Expected 'number'"),
    ("double", {"value": 5}, "Invalid collection"),
    ("monetary", 5, "expected 'object'"),
    ("monetary", {"value": 5}, "Missing key currency"),
    ("monetary", {"value": "5", "currency": "USD"}, "Expected a number"),
    ("monetary", {"value": 5, "currency": "XXX"}, "known currency"),
    ("enum", "Gold", "Expected 'number' as value for single option"),
    ("enum", 4, "Option 4 does not exist"),
    ("set", [], "non-empty 'array'"),
    ("set", ["Gold"], "Expected 'number'"),
    ("set", [4], "Option 4 does not exist"),
    ("date", "2025-02-29", "not a valid date"),
    ("date", "29.02.2024", "not a valid date"),
    ("daterange", {"value": "2026-01-01"}, "Missing key until"),
    ("time", "14:30", "expected 'object'"),
    ("timerange", {"value": "9", "until": "10:00"}, "not a valid time"),
    ("address", "1 Main St", "expected 'object'"),
    ("address", {"country": "US"}, "Missing key value"),
    ("address", {"value": "x", "planet": "Earth"}, "Unknown key planet"),
    ("org", "1", "Expected 'number'"),
    ("people", 12345678, "does not exist"),
    ("user", 1, "does not exist"),
]


@pytest.mark.parametrize(("kind", "value", "reason"), FIELD_CASES)
def test_a_custom_field_refuses_what_its_type_does_not_hold(pipedrive, kind, value, reason):
    options = {"options": [{"label": "Gold"}]} if kind in ("enum", "set") else {}
    code = pipedrive.field(kind=kind, **options)["field_code"]
    status, error = pipedrive.error("POST", PERSONS, {"name": "A", "custom_fields": {code: value}})
    assert status == 400
    assert f"custom_fields.{code}: " in error
    assert reason in error


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("varchar", "x" * 255),
        ("varchar_auto", "née 🌿"),
        ("text", "long\nlines"),
        ("double", -1.5),
        ("monetary", {"value": 500, "currency": "USD"}),
        ("date", "2024-02-29"),
        ("daterange", {"value": "2026-01-01", "until": "2026-02-01"}),
        ("time", {"value": "14:30:00", "timezone_name": "America/Los_Angeles"}),
        ("timerange", {"value": "09:00:00", "until": "11:00:00"}),
        ("phone", "+1 206 555 0143"),
    ],
)
def test_a_custom_field_reads_back_as_it_was_written(pipedrive, kind, value):
    code = pipedrive.field(kind=kind)["field_code"]
    person = pipedrive.person(custom_fields={code: value})
    read = pipedrive.data("GET", f"{PERSONS}/{person}")
    assert read["custom_fields"] == {code: value}
    pipedrive.data("PATCH", f"{PERSONS}/{person}", {"custom_fields": {code: None}})
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["custom_fields"] == {code: None}


def test_an_unknown_custom_field_is_named_and_a_nested_object_is_a_server_error(pipedrive):
    status, error = pipedrive.error("POST", PERSONS, {"name": "A", "custom_fields": {"name": "x"}})
    assert (status, error) == (400, "Validation failed: custom_fields: Unknown key 'name'")
    twice = {"name": "A", "custom_fields": {"custom_fields": {}}}
    assert pipedrive.error("POST", PERSONS, twice) == (500, "Internal Server Error")


def test_one_bad_key_of_a_patch_leaves_the_good_ones_unwritten(pipedrive):
    person = pipedrive.person()
    pipedrive.error("PATCH", f"{PERSONS}/{person}", {"name": "B", "org_id": 999_999})
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["name"] == "Maya Ortiz"


def test_an_empty_text_is_stored_as_null(pipedrive):
    code = pipedrive.field()["field_code"]
    person = pipedrive.person(custom_fields={code: ""})
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["custom_fields"][code] is None


def test_over_long_text_can_be_cut_by_switch(pipedrive):
    pipedrive.config(long_varchar="cut")
    code = pipedrive.field()["field_code"]
    person = pipedrive.person(custom_fields={code: "x" * 300})
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["custom_fields"][code] == "x" * 255


def test_contact_sync_fields_are_forbidden_until_it_is_set_up(pipedrive):
    body = {"name": "A", "birthday": "1990-02-28"}
    assert pipedrive.error("POST", PERSONS, body)[0] == 403
    codes = {entry["field_code"] for entry in pipedrive.walk("/api/v2/personFields")}
    assert "birthday" not in codes
    pipedrive.config(contact_sync=True)
    person = pipedrive.data("POST", PERSONS, body)
    assert person["birthday"] == "1990-02-28"
    codes = {entry["field_code"] for entry in pipedrive.walk("/api/v2/personFields")}
    assert "birthday" in codes


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": 501}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"type": "x"}, "type: Parameter 'type' is not allowed"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"ids": ",".join(map(str, range(101)))}, "ids: At most 100"),
        ({"ids": "1,x"}, "ids"),
        ({"updated_since": "2026-01-01T00:00:00.123Z"}, "updated_since"),
        ({"sort_by": "name"}, "sort_by"),
        ({"filter_id": 3}, "filter_id"),
        ({"custom_fields": ",".join("x" * 16)}, "custom_fields: At most 15"),
        ({"include_fields": "shoe_size"}, "include_fields"),
    ],
)
def test_a_bad_query_is_refused_by_name(pipedrive, query, named):
    status, error = pipedrive.error("GET", PERSONS, **query)
    assert status == 400
    assert named in error


def test_unknown_queries_and_long_pages_pass_by_switch(pipedrive):
    pipedrive.config(unknown_query="ignore", page_above_maximum="clamp")
    assert pipedrive.call("GET", PERSONS, type="x", limit=900)[0] == 200
