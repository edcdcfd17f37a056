"""Faults: the schedule is deterministic, and on the wire each one is what its name says."""

from __future__ import annotations

import time

import httpx
import pytest

from sandbox.core import Request
from sandbox.faults import FaultSchedule, read_rule

PERSONS = "/api/v2/persons"


def schedule(client, *rules):
    answer = client.post("/_sandbox/faults", json={"rules": list(rules)})
    assert answer.status_code == 200, answer.text


def people(client):
    return client.get("/_sandbox/stats").json()["entities"]["person"]


def post(client):
    return client.post(PERSONS, json={"name": "A"})


@pytest.mark.parametrize(
    ("rule", "acted"),
    [
        ({"kind": "drop_request"}, 0),
        ({"kind": "drop_response"}, 1),
        ({"kind": "truncate"}, 1),
    ],
)
def test_a_lost_answer_leaves_the_caller_without_one(client, rule, acted):
    before = people(client)
    schedule(client, {**rule, "method": "POST", "nth": [1]})
    with pytest.raises(httpx.TransportError):
        post(client)
    assert people(client) - before == acted
    assert post(client).status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "acted"),
    [
        ({"kind": "error_before", "status": 500}, 500, 0),
        ({"kind": "error_before", "status": 502}, 502, 0),
        ({"kind": "error_after", "status": 503}, 503, 1),
        ({"kind": "error_after", "status": 504}, 504, 1),
        ({"kind": "rate_limited"}, 429, 0),
        ({"kind": "redirect"}, 302, 0),
        ({"kind": "html"}, 200, 1),
        ({"kind": "empty"}, 200, 1),
        ({"kind": "invalid_json"}, 200, 1),
        ({"kind": "not_success"}, 200, 1),
        ({"kind": "no_id"}, 200, 1),
        ({"kind": "foreign_id"}, 200, 1),
        ({"kind": "huge"}, 200, 1),
    ],
)
def test_a_spoiled_answer_says_nothing_about_what_happened(client, rule, status, acted):
    before = people(client)
    schedule(client, {**rule, "method": "POST", "path": "/persons$", "times": 1})
    answer = post(client)
    assert answer.status_code == status
    assert people(client) - before == acted
    kind = rule["kind"]
    if kind in ("invalid_json", "empty"):
        with pytest.raises(ValueError, match=r"."):
            answer.json()
    if kind == "not_success":
        assert answer.json()["success"] is False
    if kind == "no_id":
        assert "id" not in answer.json()["data"]
    if kind == "foreign_id":
        assert client.get(f"{PERSONS}/{answer.json()['data']['id']}").status_code == 404
    if kind == "huge":
        assert len(answer.content) > 8_000_000
    if kind == "html":
        assert answer.headers["content-type"].startswith("text/html")


def test_a_late_call_is_applied_after_its_caller_gave_up(client):
    before = people(client)
    schedule(client, {"kind": "late_apply", "method": "POST", "seconds": 0.3, "times": 1})
    with pytest.raises(httpx.TransportError):
        post(client)
    assert people(client) == before
    deadline = time.monotonic() + 5
    while people(client) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert people(client) == before + 1


def test_latency_delays_one_answer_and_not_the_others(client):
    schedule(client, {"kind": "latency", "method": "POST", "seconds": 0.5, "times": 1})
    started = time.monotonic()
    assert post(client).status_code == 200
    assert time.monotonic() - started >= 0.5
    started = time.monotonic()
    assert post(client).status_code == 200
    assert time.monotonic() - started < 0.5


def rule_hits(**rule):
    faults = FaultSchedule([{"kind": "empty", **rule}], seed=7)
    calls = [Request("POST" if n % 2 else "GET", f"/p/{n}", body=b"x" * n) for n in range(1, 21)]
    return [n for n, call in enumerate(calls, 1) if faults.next(call) is not None]


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        ({"calls": [2, 5]}, [2, 5]),
        ({"method": "POST", "nth": [2]}, [3]),
        ({"method": "GET", "every": 3}, [6, 12, 18]),
        ({"after": 17}, [18, 19, 20]),
        ({"times": 2}, [1, 2]),
        ({"path": "/1[0-2]$"}, [10, 11, 12]),
        ({"body": "^x{4}$"}, [4]),
    ],
)
def test_a_rule_hits_the_calls_it_names(rule, hits):
    assert rule_hits(**rule) == hits


def test_chance_is_the_same_for_the_same_seed():
    hits = rule_hits(probability=0.5)
    assert hits == rule_hits(probability=0.5)
    assert 3 < len(hits) < 17


@pytest.mark.parametrize(
    "rule", [{"kind": "earthquake"}, {"kind": "empty", "path": "("}, {"kind": "empty", "when": 1}]
)
def test_a_rule_that_cannot_be_read_is_refused(rule):
    with pytest.raises(ValueError, match="fault"):
        read_rule(rule)


def acting(action, nth=2):
    return {"kind": "act", "method": "POST", "path": "/persons$", "nth": [nth], "action": action}


def test_a_token_can_be_revoked_in_the_middle_of_a_run(pipedrive):
    pipedrive.door("POST", "faults", {"rules": [acting({"action": "new_token"})]})
    statuses = [pipedrive.call("POST", PERSONS, {"name": "A"})[0] for _ in range(3)]
    assert statuses == [200, 401, 401]


def test_a_budget_can_be_eaten_by_others_in_the_middle_of_a_run(pipedrive):
    pipedrive.door("POST", "faults", {"rules": [acting({"action": "spend", "tokens": 10**9})]})
    statuses = [pipedrive.call("POST", PERSONS, {"name": "A"})[0] for _ in range(2)]
    assert statuses == [200, 429]


def test_a_field_can_vanish_and_an_option_change_its_name_in_the_middle_of_a_run(pipedrive):
    field = pipedrive.field(kind="enum", options=[{"label": "Gold"}])
    code, gold = field["field_code"], field["options"][0]["id"]
    named = {"entity": "person", "field": field["field_name"]}
    rules = [
        acting({"action": "rename_option", "label": "Gold", "new_label": "Onyx", **named}, 1),
        acting({"action": "delete_field", **named}, 2),
    ]
    pipedrive.door("POST", "faults", {"rules": rules})
    body = {"name": "A", "custom_fields": {code: gold}}
    assert pipedrive.call("POST", PERSONS, body)[0] == 200
    assert "Unknown key" in pipedrive.error("POST", PERSONS, body)[1]
    assert pipedrive.door("GET", "stats")["failed_actions"] == 0


def test_the_clock_of_the_service_can_be_wrong(pipedrive):
    pipedrive.config(clock_skew=-86_400)
    person = pipedrive.data("POST", PERSONS, {"name": "A"})
    pipedrive.config(clock_skew=0)
    assert pipedrive.data("POST", PERSONS, {"name": "A"})["add_time"] > person["add_time"]


@pytest.mark.parametrize("how", ["loop", "expire"])
def test_a_cursor_can_loop_or_expire(pipedrive, how):
    for _ in range(3):
        pipedrive.person()
    pipedrive.config(cursor_fault=how)
    cursor = pipedrive.call("GET", PERSONS, limit=1)[1]["additional_data"]["next_cursor"]
    status, answer = pipedrive.call("GET", PERSONS, limit=1, cursor=cursor)
    if how == "expire":
        assert status == 400
    else:
        assert answer["additional_data"]["next_cursor"] == cursor
