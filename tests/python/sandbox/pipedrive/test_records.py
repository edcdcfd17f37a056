"""Reading, changing and deleting records, and paging through them."""

from __future__ import annotations

import pytest

DAY = 86_400
PERSONS = "/api/v2/persons"


def test_the_same_post_twice_makes_two_records(pipedrive):
    assert pipedrive.person() != pipedrive.person()
    assert len(pipedrive.walk(PERSONS)) == 2


def test_a_patch_keeps_absent_keys_and_replaces_lists(pipedrive):
    first, second = pipedrive.field(), pipedrive.field(kind="double")
    codes = first["field_code"], second["field_code"]
    person = pipedrive.person(
        emails=[{"value": "a@example.com"}, {"value": "b@example.com", "label": "home"}],
        custom_fields={codes[0]: "kept", codes[1]: 1},
    )
    patched = pipedrive.data(
        "PATCH",
        f"{PERSONS}/{person}",
        {"emails": [{"value": "c@example.com"}], "custom_fields": {codes[1]: 2}},
    )
    assert patched["name"] == "Maya Ortiz"
    assert patched["custom_fields"] == {codes[0]: "kept", codes[1]: 2}
    assert patched["emails"] == [{"value": "c@example.com", "primary": True, "label": "work"}]


def test_update_time_moves_only_when_something_changed(pipedrive):
    person = pipedrive.person()
    created = pipedrive.data("GET", f"{PERSONS}/{person}")
    pipedrive.advance(10)
    assert pipedrive.data("PATCH", f"{PERSONS}/{person}", {}) == created
    assert pipedrive.data("PATCH", f"{PERSONS}/{person}", {"name": "Maya Ortiz"}) == created
    changed = pipedrive.data("PATCH", f"{PERSONS}/{person}", {"name": "M. Ortiz"})
    assert changed["update_time"] > created["update_time"]


def test_creation_time_can_be_kept_for_persons_but_not_changed(pipedrive):
    person = pipedrive.person(add_time="2020-05-01T10:00:00+02:00")
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["add_time"] == "2020-05-01T08:00:00Z"
    body = {"add_time": "2021-01-01T00:00:00Z"}
    assert pipedrive.error("PATCH", f"{PERSONS}/{person}", body)[0] == 400


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["id", "add_time", "update_time"])
def test_pages_give_every_record_once_in_order(pipedrive, sort, direction):
    for number in range(23):
        pipedrive.person(add_time=f"2024-01-{1 + number % 3:02}T00:00:00Z")
        pipedrive.advance(1 if number % 4 == 0 else 0)
    rows = pipedrive.walk(PERSONS, limit=5, sort_by=sort, sort_direction=direction)
    keys = [(row[sort], row["id"]) for row in rows]
    assert len({row["id"] for row in rows}) == 23
    assert keys == sorted(keys, reverse=direction == "desc")


def test_a_cursor_belongs_to_its_list_and_order(pipedrive):
    for _ in range(3):
        pipedrive.person()
        pipedrive.organization()
    cursor = pipedrive.call("GET", PERSONS, limit=1)[1]["additional_data"]["next_cursor"]
    assert pipedrive.call("GET", "/api/v2/organizations", cursor=cursor)[0] == 400
    assert pipedrive.call("GET", PERSONS, cursor=cursor, sort_direction="desc")[0] == 400
    assert pipedrive.call("GET", PERSONS, cursor=cursor)[0] == 200


def test_lists_filter_by_id_parent_and_time(pipedrive):
    store = pipedrive.organization()
    inside, outside = pipedrive.person(org_id=store), pipedrive.person()
    assert [row["id"] for row in pipedrive.walk(PERSONS, org_id=store)] == [inside]
    assert [row["id"] for row in pipedrive.walk(PERSONS, ids=f"{outside},999999")] == [outside]
    deal = pipedrive.deal(person_id=outside)
    assert [row["id"] for row in pipedrive.walk(PERSONS, deal_id=deal)] == [outside]
    moment = pipedrive.data("GET", f"{PERSONS}/{inside}")["update_time"]
    assert len(pipedrive.walk(PERSONS, updated_since=moment)) == 2
    assert pipedrive.walk(PERSONS, updated_until=moment) == []


def test_deletion_is_soft_for_thirty_days_and_then_final(pipedrive):
    store = pipedrive.organization()
    person = pipedrive.person(org_id=store)
    assert pipedrive.data("DELETE", f"/api/v2/organizations/{store}") == {"id": store}
    assert pipedrive.walk("/api/v2/organizations") == []
    assert pipedrive.data("GET", f"/api/v2/organizations/{store}")["is_deleted"] is True
    assert pipedrive.error("DELETE", f"/api/v2/organizations/{store}")[0] == 404
    assert pipedrive.error("PATCH", f"/api/v2/organizations/{store}", {"name": "B"})[0] == 404
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["org_id"] == store
    pipedrive.advance(29 * DAY)
    assert pipedrive.call("GET", f"/api/v2/organizations/{store}")[0] == 200
    pipedrive.advance(2 * DAY)
    assert pipedrive.error("GET", f"/api/v2/organizations/{store}")[0] == 404
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["org_id"] is None


def test_ids_are_never_given_twice_even_after_a_purge(make):
    pipedrive = make()
    first = pipedrive.person()
    pipedrive.data("DELETE", f"{PERSONS}/{first}")
    pipedrive.advance(31 * DAY)
    pipedrive.sandbox.close()
    again = make()
    assert again.person() > first


def test_labels_are_options_of_the_label_field(pipedrive):
    fields = pipedrive.walk("/api/v2/personFields")
    labels = next(entry for entry in fields if entry["field_code"] == "label_ids")["options"]
    assert [option["label"] for option in labels] == [
        "Customer",
        "Hot lead",
        "Warm lead",
        "Cold lead",
    ]
    path = "/api/v2/personFields/label_ids/options"
    vip = pipedrive.data("POST", path, [{"label": "VIP"}])[0]
    person = pipedrive.person(label_ids=[labels[0]["id"], vip["id"]])
    read = pipedrive.data("GET", f"{PERSONS}/{person}", include_labels="true")
    assert read["labels"][1] == {"id": vip["id"], "label": "VIP"}
    pipedrive.data("DELETE", path, [{"id": vip["id"]}])
    assert pipedrive.data("GET", f"{PERSONS}/{person}")["label_ids"] == [labels[0]["id"]]
    pipedrive.config(label_options="refuse")
    assert pipedrive.error("POST", path, [{"label": "Other"}])[0] == 400


def test_option_labels_can_be_read_but_not_written(pipedrive):
    field = pipedrive.field(kind="set", options=[{"label": "A"}, {"label": "B"}])
    ids = [option["id"] for option in field["options"]]
    person = pipedrive.person(custom_fields={field["field_code"]: ids})
    read = pipedrive.data("GET", f"{PERSONS}/{person}", include_option_labels="true")
    shown = read["custom_fields"][field["field_code"]]
    assert shown == [{"id": ids[0], "label": "A"}, {"id": ids[1], "label": "B"}]
    body = {"custom_fields": {field["field_code"]: shown}}
    assert pipedrive.error("PATCH", f"{PERSONS}/{person}", body)[0] == 400


def test_marketing_status_changes_once_and_ignores_the_rest(pipedrive):
    pipedrive.config(campaigns=True)
    person = pipedrive.person(emails=[{"value": "a@example.com"}], marketing_status="unsubscribed")
    pipedrive.data("PATCH", f"{PERSONS}/{person}", {"marketing_status": "subscribed"})
    read = pipedrive.data("GET", f"{PERSONS}/{person}", include_fields="marketing_status")
    assert read["marketing_status"] == "unsubscribed"


def test_a_price_list_is_replaced_and_a_category_is_an_option(pipedrive):
    product = pipedrive.product(prices=[{"price": 35, "currency": "USD"}], code="SKU-1")
    path = f"/api/v2/products/{product}"
    read = pipedrive.data("GET", path)
    assert read["prices"][0] == {
        "product_id": product,
        "price": 35,
        "currency": "USD",
        "cost": 0,
        "direct_cost": None,
        "notes": "",
    }
    pipedrive.data("PATCH", path, {"prices": [{"price": 4, "currency": "CAD"}]})
    assert [price["currency"] for price in pipedrive.data("GET", path)["prices"]] == ["CAD"]
    option = pipedrive.data("POST", "/api/v2/productFields/category/options", [{"label": "Flower"}])
    patched = pipedrive.data("PATCH", path, {"category": option[0]["id"]})
    assert patched["category"] == str(option[0]["id"])
    assert pipedrive.error("PATCH", path, {"prices": [{"price": 1}]})[0] == 400


def test_lists_can_lag_behind_writes_by_switch(pipedrive):
    pipedrive.config(list_lag=5)
    person = pipedrive.person()
    assert pipedrive.walk(PERSONS) == []
    assert pipedrive.call("GET", f"{PERSONS}/{person}")[0] == 200
    pipedrive.advance(6)
    assert len(pipedrive.walk(PERSONS)) == 1


def test_records_hidden_from_the_token_are_absent_everywhere(pipedrive):
    person = pipedrive.person()
    pipedrive.config(hidden={"person": [person]})
    assert pipedrive.walk(PERSONS) == []
    assert pipedrive.error("GET", f"{PERSONS}/{person}")[0] == 404


def test_keys_without_value_can_be_absent_by_switch(pipedrive):
    pipedrive.config(empty_keys="absent")
    person = pipedrive.data("POST", PERSONS, {"name": "A"})
    assert "org_id" not in person


def test_an_imitated_automation_changes_what_was_created(pipedrive):
    rule = {"entity": "person", "changes": {"job_title": "set by a workflow", "name": "Changed"}}
    pipedrive.config(automation=rule)
    created = pipedrive.data("POST", PERSONS, {"name": "A"})
    assert created["name"] == "A"
    assert pipedrive.data("GET", f"{PERSONS}/{created['id']}")["name"] == "Changed"


def test_followers_are_users_and_follow_once(pipedrive):
    person = pipedrive.person()
    path = f"{PERSONS}/{person}/followers"
    user = pipedrive.data("GET", "/api/v1/users/me")["id"]
    assert pipedrive.call("POST", path, {"user_id": user})[0] == 201
    assert pipedrive.error("POST", path, {"user_id": user})[0] == 400
    assert [row["user_id"] for row in pipedrive.data("GET", path)] == [user]
    assert pipedrive.data("DELETE", f"{path}/{user}") == {"user_id": user}
