"""State: survives a restart, can be copied, compared, dumped, edited by hand and filled."""

from __future__ import annotations

import json
import stat

import pytest

from sandbox.pipedrive.switches import Switches


def populate(pipedrive, order=(1, 2)):
    """The same content, whatever the order of the calls and the ids."""
    key = pipedrive.field(field_name="Migration key")["field_code"]
    tier = pipedrive.field(kind="enum", options=[{"label": "Gold"}, {"label": "Onyx"}])
    option = tier["options"][0]["id"]
    store = pipedrive.organization()
    product = pipedrive.product()
    for number in order:
        person = pipedrive.person(
            name=f"Person {number}",
            org_id=store,
            custom_fields={key: f"k{number}", tier["field_code"]: option},
        )
        deal = pipedrive.deal(person_id=person, status="won", won_time="2024-06-03T22:10:00Z")
        line = {"product_id": product, "item_price": number, "quantity": 1}
        pipedrive.data("POST", f"/api/v2/deals/{deal}/products", line)
        pipedrive.data("POST", "/api/v1/notes", {"content": str(number), "deal_id": deal})


def dump(pipedrive):
    return pipedrive.reply("GET", "/_sandbox/dump").body.decode()


def test_everything_survives_a_restart(make):
    first = make()
    populate(first)
    first.config(search_lag=0, daily_budget=5000)
    before, stats = dump(first), first.door("GET", "stats")
    first.sandbox.close()
    again = make()
    assert dump(again) == before
    now = again.door("GET", "stats")
    assert (now["tokens_today"], now["entities"]) == (stats["tokens_today"], stats["entities"])
    assert now["endpoints"] == stats["endpoints"]
    assert again.token == first.token
    assert again.door("GET", "info")["daily_budget"] == 5000


def test_the_state_file_is_private(pipedrive):
    mode = pipedrive.sandbox.account.store.path.stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_dump_is_equal_for_equal_ends_and_different_for_different_ones(make):
    one, other = make("one", seed=1), make("other", seed=2)
    populate(one)
    other.organization()
    other.data("DELETE", f"/api/v2/organizations/{other.organization()}")
    other.data("DELETE", f"/api/v2/organizations/{other.walk('/api/v2/organizations')[0]['id']}")
    other.advance(1000)
    populate(other, order=(2, 1))
    assert dump(one) == dump(other)
    assert "Person 1" in dump(one)
    person = other.walk("/api/v2/persons")[0]["id"]
    other.data("PATCH", f"/api/v2/persons/{person}", {"name": "Someone else"})
    assert dump(one) != dump(other)
    digests = [account.door("GET", "dump", digest="1")["digest"] for account in (one, other)]
    assert digests[0] != digests[1]


def test_a_snapshot_can_be_compared_and_restored(pipedrive):
    populate(pipedrive)
    pipedrive.door("POST", "snapshot", {"name": "before"})
    before = dump(pipedrive)
    assert pipedrive.door("POST", "compare", {"name": "before"})["equal"] is True
    pipedrive.person()
    pipedrive.field()
    assert pipedrive.door("POST", "compare", {"name": "before"})["equal"] is False
    pipedrive.door("POST", "restore", {"name": "before"})
    assert dump(pipedrive) == before
    assert pipedrive.call("POST", "/_sandbox/restore", {"name": "never"})[0] == 400
    assert pipedrive.call("POST", "/_sandbox/snapshot", {"name": "../x"})[0] == 400


def test_a_reset_gives_the_fresh_account_of_the_same_seed(pipedrive):
    fresh = dump(pipedrive)
    first = pipedrive.person()
    populate(pipedrive)
    about = pipedrive.door("POST", "reset")
    assert about["api_token"] == pipedrive.token
    assert dump(pipedrive) == fresh
    assert pipedrive.person() == first


def test_a_user_edits_merges_archives_and_deletes_by_hand(pipedrive):
    populate(pipedrive)
    tokens = pipedrive.door("GET", "stats")["tokens"]
    match = {"match": {"field": "Migration key", "value": "k1"}, "entity": "person"}
    pipedrive.door(
        "POST",
        "edit",
        {
            "action": "patch",
            **match,
            "changes": {"name": "By hand", "custom_fields_by_name": {"A enum field": "Onyx"}},
        },
    )
    people = pipedrive.walk("/api/v2/persons", include_option_labels="true")
    assert people[0]["name"] == "By hand"
    assert {"id": 0, "label": "Onyx"}["label"] in json.dumps(people[0]["custom_fields"])
    merge = {"action": "merge", **match, "merge_with_id": people[1]["id"]}
    assert pipedrive.door("POST", "edit", merge)["done"] == {"id": people[1]["id"]}
    deal = pipedrive.walk("/api/v2/deals")[0]["id"]
    for action in ("archive", "unarchive", "delete", "restore", "archive"):
        pipedrive.door("POST", "edit", {"action": action, "entity": "deal", "id": deal})
    assert [row["id"] for row in pipedrive.walk("/api/v2/deals/archived")] == [deal]
    created = {"action": "create", "entity": "person", "changes": {"name": "New"}}
    owner = pipedrive.door("POST", "edit", created)["done"]["owner_id"]
    assert owner != pipedrive.data("GET", "/api/v1/users/me")["id"]
    spent = pipedrive.door("GET", "stats")["tokens"] - tokens
    assert spent == 10 + 2 + 10 + 20


@pytest.mark.parametrize(
    "action",
    [
        {"action": "dance"},
        {"action": "patch", "entity": "person", "id": 1, "changes": {}},
        {"action": "delete_field", "entity": "person", "field": "nothing"},
        {"action": "create", "entity": "person", "changes": {"shoe": 1}},
    ],
)
def test_an_edit_that_cannot_be_done_is_refused_and_changes_nothing(pipedrive, action):
    before = dump(pipedrive)
    assert pipedrive.call("POST", "/_sandbox/edit", action)[0] == 400
    assert dump(pipedrive) == before


def test_a_bulk_fill_makes_records_that_lists_and_gets_show(pipedrive):
    pipedrive.field(field_name="Migration key")
    body = {"entity": "person", "count": 1200, "key_field": "Migration key"}
    done = pipedrive.door("POST", "fill", body)
    rows = pipedrive.walk("/api/v2/persons", limit=500)
    assert [row["id"] for row in rows] == list(range(done["first_id"], done["first_id"] + 1200))
    assert len({json.dumps(row["custom_fields"]) for row in rows}) == 1200
    pipedrive.door("POST", "fill", {"entity": "deal", "count": 30})
    assert pipedrive.door("GET", "stats")["deals_counted"] == 30


def test_each_call_is_logged_by_endpoint_without_values(pipedrive):
    person = pipedrive.person(name="Secret Name")
    pipedrive.data("GET", f"/api/v2/persons/{person}")
    log = pipedrive.door("GET", "log")["calls"]
    shown = [(entry["method"], entry["path"], entry["status"], entry["tokens"]) for entry in log]
    assert shown == [
        ("POST", "/api/v2/persons", 200, 5),
        ("GET", "/api/v2/persons/{id}", 200, 1),
    ]
    assert "Secret" not in json.dumps(log)
    assert pipedrive.door("GET", "log", after=log[0]["seq"])["calls"] == log[1:]


def test_whole_exchanges_are_kept_on_wish(pipedrive):
    pipedrive.config(record_exchanges=True)
    pipedrive.person()
    kept = pipedrive.door("GET", "exchanges")["exchanges"]
    assert [(entry["method"], entry["status"]) for entry in kept] == [("POST", 200)]
    assert json.loads(kept[0]["request"]) == {"name": "Maya Ortiz"}
    assert json.loads(kept[0]["reply"])["success"] is True


def test_the_sandbox_states_how_long_a_write_takes_to_settle(pipedrive):
    info = pipedrive.door("GET", "info")
    assert info["settle_seconds"] < 1
    pipedrive.config(list_lag=2)
    assert pipedrive.door("GET", "info")["settle_seconds"] > 2


@pytest.mark.parametrize(
    "switches",
    [
        {"no_such_switch": 1},
        {"search_lag": "soon"},
        {"long_varchar": "maybe"},
        {"contact_sync": 1},
        {"deal_cap": True},
    ],
)
def test_an_unknown_switch_or_value_is_refused(pipedrive, switches):
    before = pipedrive.door("GET", "config")
    assert pipedrive.call("POST", "/_sandbox/config", switches)[0] == 400
    assert pipedrive.door("GET", "config") == before


def test_every_switch_is_documented(docs_text):
    missing = [name for name in Switches().as_dict() if f"`{name}`" not in docs_text]
    assert missing == []


@pytest.fixture
def docs_text(request):
    return (request.config.rootpath / "docs" / "sandbox-pipedrive.md").read_text(encoding="utf-8")
