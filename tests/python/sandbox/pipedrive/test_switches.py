"""Switches that no other test turns: each value does what its name says, and none is untested."""

from __future__ import annotations

import re

import pytest

from sandbox.core import Request
from sandbox.pipedrive.switches import Switches

PERSONS = "/api/v2/persons"
DEALS = "/api/v2/deals"
ME = "/api/v1/users/me"
DAY = 86_400


def test_every_switch_is_turned_by_a_test(request):
    folder = request.config.rootpath / "tests" / "python" / "sandbox" / "pipedrive"
    turned = " ".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    untested = [name for name in Switches().as_dict() if not re.search(rf'\b{name}(=|": )', turned)]
    assert untested == []


def test_the_window_of_searches_can_be_narrowed(pipedrive):
    pipedrive.config(enforce_bursts=True, search_burst_limit=1)
    statuses = [pipedrive.call("GET", f"{PERSONS}/search", term="ab")[0] for _ in range(2)]
    assert statuses == [200, 429]


def test_when_and_for_how_long_a_caller_is_blocked_are_switches(pipedrive):
    pipedrive.config(
        enforce_bursts=True, burst_limit=1, block_after=2, block_within=5.0, block_seconds=60.0
    )
    statuses = [pipedrive.reply("GET", ME).status for _ in range(5)]
    assert statuses == [200, 429, 429, 403, 403]
    pipedrive.advance(61)
    assert pipedrive.reply("GET", ME).status == 200


def test_the_cap_on_custom_fields_can_be_set(pipedrive):
    pipedrive.config(custom_field_cap=1)
    pipedrive.field(field_name="One")
    body = {"field_name": "Two", "field_type": "varchar"}
    assert pipedrive.error("POST", "/api/v2/personFields", body)[0] == 403


@pytest.mark.parametrize("path", [ME, PERSONS])
def test_a_token_in_the_query_is_refused_unless_switched(pipedrive, path):
    def status():
        request = Request("GET", path, [("api_token", pipedrive.token)], {}, b"")
        return pipedrive.sandbox.handle(request).status

    assert status() == 401
    pipedrive.config(query_token=True)
    assert status() == 200


def test_text_is_trimmed_by_switch_only(pipedrive):
    code = pipedrive.field()["field_code"]

    def kept():
        person = pipedrive.person(custom_fields={code: "  Gold "})
        return pipedrive.data("GET", f"{PERSONS}/{person}")["custom_fields"][code]

    assert kept() == "  Gold "
    pipedrive.config(trim_text=True)
    assert kept() == "Gold"


def test_how_long_deleted_people_are_found_and_read_are_switches(pipedrive):
    pipedrive.config(search_lag=0, deleted_person_search_seconds=60, purge_days=1)
    person = pipedrive.person()
    pipedrive.data("DELETE", f"{PERSONS}/{person}")

    def found():
        return len(pipedrive.data("GET", f"{PERSONS}/search", term="maya")["items"])

    assert found() == 1
    pipedrive.advance(61)
    assert found() == 0
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["is_deleted"] is True
    pipedrive.advance(DAY)
    assert pipedrive.error("GET", f"{PERSONS}/{person}")[0] == 404


def test_a_second_deletion_is_not_found_unless_switched(pipedrive):
    person = pipedrive.person()
    pipedrive.data("DELETE", f"{PERSONS}/{person}")
    assert pipedrive.error("DELETE", f"{PERSONS}/{person}")[0] == 404
    pipedrive.config(delete_deleted="allow")
    assert pipedrive.call("DELETE", f"{PERSONS}/{person}")[0] == 200


def test_whether_an_archived_deal_can_be_edited_is_a_switch(pipedrive):
    deal = pipedrive.deal(is_archived=True)
    change = {"title": "Changed"}
    assert pipedrive.call("PATCH", f"{DEALS}/{deal}", change)[0] >= 400
    pipedrive.config(archived_edit="allow")
    assert pipedrive.data("PATCH", f"{DEALS}/{deal}", change)["title"] == "Changed"


def test_whether_the_value_of_a_deal_with_lines_can_be_written_is_a_switch(pipedrive):
    deal, product = pipedrive.deal(), pipedrive.product()
    line = {"product_id": product, "item_price": 5, "quantity": 1}
    pipedrive.data("POST", f"{DEALS}/{deal}/products", line)
    pipedrive.config(value_with_lines="refuse")
    assert pipedrive.error("PATCH", f"{DEALS}/{deal}", {"value": 7})[0] == 400
    pipedrive.config(value_with_lines="accept")
    assert pipedrive.data("PATCH", f"{DEALS}/{deal}", {"value": 7})["value"] == 7


def test_labels_and_addresses_of_a_person_can_be_capped(pipedrive):
    fields = pipedrive.walk("/api/v2/personFields")
    labels = next(entry for entry in fields if entry["field_code"] == "label_ids")["options"]
    mails = [{"value": f"{n}@example.com"} for n in range(2)]
    both = {"name": "A", "label_ids": [each["id"] for each in labels[:2]]}
    pipedrive.config(labels_per_deal=1, entries_per_person=1)
    assert "label_ids" in pipedrive.error("POST", PERSONS, both)[1]
    assert pipedrive.call("POST", PERSONS, {"name": "A", "emails": mails})[0] >= 400
    pipedrive.config(labels_per_deal=2, entries_per_person=None)
    assert pipedrive.call("POST", PERSONS, {**both, "emails": mails})[0] == 200


def test_addresses_are_looked_at_by_switch_only(pipedrive):
    body = {"name": "A", "emails": [{"value": "not an address"}]}
    assert pipedrive.call("POST", PERSONS, body)[0] == 200
    pipedrive.config(validate_emails=True)
    assert pipedrive.error("POST", PERSONS, body)[0] == 400


def test_whether_two_options_may_have_one_label_is_a_switch(pipedrive):
    body = {
        "field_name": "Tier",
        "field_type": "enum",
        "options": [{"label": "Gold"}, {"label": "gold "}],
    }
    assert pipedrive.error("POST", "/api/v2/personFields", body)[0] == 400
    pipedrive.config(duplicate_options="allow")
    assert len(pipedrive.data("POST", "/api/v2/personFields", body)["options"]) == 2


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ("clean", "<p><b>A</b></p>"),
        ("strict", "<p>A</p>"),
        ("none", "<p><b>A</b><script>x()</script></p>"),
    ],
)
def test_how_much_of_a_note_is_kept_is_a_switch(pipedrive, how, kept):
    pipedrive.config(note_cleaning=how)
    sent = {"content": "<p><b>A</b><script>x()</script></p>", "person_id": pipedrive.person()}
    assert pipedrive.data("POST", "/api/v1/notes", sent)["content"] == kept
