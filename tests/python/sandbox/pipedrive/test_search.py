"""Search: what it finds, what it misses, and how late it learns."""

from __future__ import annotations

import pytest

SEARCH = "/api/v2/persons/search"


@pytest.fixture
def settled(pipedrive):
    pipedrive.config(search_lag=0)
    return pipedrive


def ids(pipedrive, path=SEARCH, **query):
    return [row["item"]["id"] for row in pipedrive.data("GET", path, **query)["items"]]


def test_the_index_learns_of_a_record_and_of_its_changes_late(pipedrive):
    person = pipedrive.person(name="Maya Ortiz")
    assert ids(pipedrive, term="maya") == []
    pipedrive.advance(3.5)
    assert ids(pipedrive, term="maya") == [person]
    pipedrive.data("PATCH", f"/api/v2/persons/{person}", {"name": "Noor Ali"})
    assert (ids(pipedrive, term="maya"), ids(pipedrive, term="noor")) == ([person], [])
    pipedrive.advance(3.5)
    assert (ids(pipedrive, term="maya"), ids(pipedrive, term="noor")) == ([], [person])


def test_case_is_ignored_and_exact_match_wants_the_whole_value(settled):
    person = settled.person(name="Zoë ÖRTIZ", emails=[{"value": "Zoe@Example.com"}])
    assert ids(settled, term="zoë ö") == [person]
    assert ids(settled, term="zoe@example.com", exact_match="true", fields="email") == [person]
    assert ids(settled, term="zoe@example", exact_match="true") == []
    assert ids(settled, term="zoe@example.com", fields="name") == []


@pytest.mark.parametrize(("term", "exact", "status"), [("a", "false", 400), ("a", "true", 200)])
def test_a_term_has_a_least_length(settled, term, exact, status):
    assert settled.call("GET", SEARCH, term=term, exact_match=exact)[0] == status


def test_only_text_like_custom_fields_are_searched(settled):
    text = settled.field()["field_code"]
    option = settled.field(kind="enum", options=[{"label": "Golden"}])
    values = {text: "aiq:contact:81", option["field_code"]: option["options"][0]["id"]}
    person = settled.person(custom_fields=values)
    found = settled.data("GET", SEARCH, term="aiq:contact:81", fields="custom_fields")["items"]
    assert found[0]["item"]["custom_fields"] == ["aiq:contact:81"]
    assert found[0]["item"]["id"] == person
    assert ids(settled, term="golden") == []


def test_deleted_organizations_stay_findable_persons_a_while_deals_not(settled):
    store, person, deal = settled.organization(), settled.person(), settled.deal()
    for path in (f"organizations/{store}", f"persons/{person}", f"deals/{deal}"):
        settled.data("DELETE", f"/api/v2/{path}")
    assert ids(settled, "/api/v2/deals/search", term="order") == []
    assert ids(settled, term="maya") == [person]
    settled.advance(601)
    assert ids(settled, term="maya") == []
    assert ids(settled, "/api/v2/organizations/search", term="store") == [store]


def test_notes_and_filters_narrow_a_search(settled):
    store = settled.organization()
    person, other = settled.person(org_id=store), settled.person()
    settled.data("POST", "/api/v1/notes", {"content": "likes sativa", "person_id": other})
    assert ids(settled, term="sativa") == [other]
    assert ids(settled, term="maya", organization_id=store) == [person]
    won = settled.deal(status="won", person_id=person)
    settled.deal(person_id=person)
    path = "/api/v2/deals/search"
    assert ids(settled, path, term="order", status="won", person_id=person) == [won]


def test_item_search_covers_all_kinds_with_pages_of_at_most_100(settled):
    settled.person(name="Green Leaf")
    settled.organization(name="Green Leaf")
    settled.deal(title="Green Leaf")
    settled.product(name="Green Leaf", code="GL-1")
    answer = settled.data("GET", "/api/v2/itemSearch", term="green leaf")
    kinds = {row["item"]["type"] for row in answer["items"]}
    assert kinds == {"person", "organization", "deal", "product"}
    narrow = ids(settled, "/api/v2/itemSearch", term="green", item_types="deal,product")
    assert len(narrow) == 2
    assert settled.call("GET", "/api/v2/itemSearch", term="green", limit=101)[0] == 400


def test_field_search_minds_case(settled):
    code = settled.field()["field_code"]
    person = settled.person(custom_fields={code: "Key-1"})
    path, query = "/api/v2/itemSearch/field", {"entity_type": "person", "field": code}
    assert [row["item"] for row in settled.data("GET", path, term="Key-1", **query)] == [
        {"id": person, code: "Key-1"}
    ]
    assert settled.data("GET", path, term="key-1", **query) == []
    assert len(settled.data("GET", path, term="Key", match="beginning", **query)) == 1


def test_search_results_have_pages(settled):
    people = [settled.person() for _ in range(5)]
    answer = settled.call("GET", SEARCH, term="maya", limit=3)[1]
    cursor = answer["additional_data"]["next_cursor"]
    rest = ids(settled, term="maya", limit=3, cursor=cursor)
    assert [row["item"]["id"] for row in answer["data"]["items"]] + rest == people
