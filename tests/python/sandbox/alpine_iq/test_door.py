"""Keys, envelopes, verbs, dead paths, rate windows, faults, restarts."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

DEAD = [
    "v2/tiers/{uid}",
    "v2/loyalty/{uid}",
    "v2/stores",
    "v2/locations",
    "v2/channel-report",
    "v1.1/optin/{uid}",
    "v1.1/consent/{uid}",
    "v1.1/discounts/{uid}",
    "v1.1/export/{uid}",
    "v1.1/locations/{uid}",
    "v9/anything",
]
WRITES = [
    ("POST", "v1.1/createUpdateSale/{uid}"),
    ("POST", "v2/loyalty"),
    ("POST", "v2/loyaltyContact/override/{uid}/abc"),
    ("POST", "v2/verify/contact/wallet"),
    ("PUT", "v2/optin/text/5035550100/true"),
    ("PUT", "v1.1/adjust/loyaltyPoints/{uid}/abc"),
    ("PUT", "v1.1/stores/{uid}/16"),
    ("DELETE", "v1.1/piis/{uid}/abc"),
]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-APIKEY": "wrong"},
        {"Authorization": "Bearer key"},
        {"X-API-Key": "key"},
    ],
)
def test_without_the_right_key_in_the_right_header_every_path_is_403(account, headers):
    headers = {
        name: value.replace("key", account.key) if value != "wrong" else value
        for name, value in headers.items()
    }
    for path in ("/api/v1.1/stores/4242", "/api/v9/unknown", "/"):
        answer = account.ask(path, headers=headers)
        assert answer.status == 403
        assert answer.json == {
            "errors": [{"message": "Please provide a valid API key", "code": 403}],
            "code": 403,
            "success": False,
        }


def test_the_name_of_the_key_header_ignores_case(account):
    answer = account.ask(f"/api/v1.1/stores/{account.uid}", headers={"x-apikey": account.key})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_a_right_key_with_a_foreign_uid_is_403(account):
    assert account.ask("/api/v1.1/stores/1234").status == 403


@pytest.mark.parametrize("path", DEAD)
def test_dead_and_unknown_paths_are_404_with_the_envelope(account, path):
    answer = account.ask("/api/" + path.replace("{uid}", account.uid))
    assert answer.status == 404
    assert answer.json["errors"] == [{"message": "Not Found", "code": 404}]
    assert "data" not in answer.json


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_every_write_is_refused_with_405_and_stands_in_the_log(account, method, path):
    answer = account.ask("/api/" + path.replace("{uid}", account.uid), method, {})
    assert answer.status == 405
    assert account.door("log")[-1]["status"] == 405


def test_a_revoked_key_stops_working_and_another_key_can_be_given(account):
    account.door("config", {"auth.revoked": True, "auth.keys": {"other": [account.uid]}})
    path = f"/api/v1.1/stores/{account.uid}"
    assert account.ask(path).status == 403
    assert account.ask(path, headers={"X-APIKEY": "other"}).status == 200


def _statuses(account, calls):
    return [account.ask(f"/api/v1.1/stores/{account.uid}").status for _ in range(calls)]


def test_the_sixth_call_of_a_second_is_429_without_any_header(account):
    account.door("clock", {"freeze_at": 1_790_000_000})
    account.door("config", {"limits": "on"})
    assert _statuses(account, 7) == [200] * 5 + [429] * 2
    refused = account.ask(f"/api/v1.1/stores/{account.uid}")
    assert refused.json["errors"] == [{"message": "Too Many Requests", "code": 429}]
    assert not {name for name in refused.headers if "rate" in name or "retry" in name}
    account.door("clock", {"advance": 1.01})
    assert _statuses(account, 1) == [200]


def test_minute_and_hour_windows_slide(account):
    account.door("clock", {"freeze_at": 1_790_000_000})
    account.door("config", {"limits": "on"})
    for _ in range(24):
        assert _statuses(account, 5) == [200] * 5
        account.door("clock", {"advance": 1.01})
    assert _statuses(account, 1) == [429]
    account.door("clock", {"advance": 40})
    assert _statuses(account, 5) == [200] * 5


def test_a_scale_shortens_all_windows_alike(account):
    account.door("clock", {"freeze_at": 1_790_000_000})
    account.door("config", {"limits": "on", "limits.scale": 60})
    windows = account.door("stats")["windows"]
    assert [(each["limit"], each["seconds"]) for each in windows] == [
        (5, pytest.approx(1 / 60)),
        (120, pytest.approx(1.0)),
        (2000, pytest.approx(60.0)),
    ]


def test_a_retry_after_header_is_there_when_switched_on(account):
    account.door("clock", {"freeze_at": 1_790_000_000})
    account.door("config", {"limits": "on", "limits.headers": "retry_after"})
    _statuses(account, 5)
    refused = account.ask(f"/api/v1.1/stores/{account.uid}")
    assert (refused.status, refused.headers["retry-after"]) == (429, "2")


def test_refused_keys_do_not_count_against_the_limits(account):
    account.door("clock", {"freeze_at": 1_790_000_000})
    account.door("config", {"limits": "on"})
    for _ in range(10):
        account.ask("/api/v1.1/stores/1", headers={"X-APIKEY": "wrong"})
    assert _statuses(account, 5) == [200] * 5


def test_windows_switches_clock_and_edits_survive_a_restart(account, serve, tmp_path: Path):
    account.door("clock", {"advance": 5000})
    account.door("config", {"limits": "on", "orders.shape": "lean"})
    assert _statuses(account, 5) == [200] * 5
    used = account.door("stats")["windows"][2]["used"]
    account.stop()
    again = serve(tmp_path / "alpine_iq.sqlite")
    assert again.door("config")["orders.shape"] == "lean"
    assert again.door("clock")["offset"] == 5000
    assert again.door("stats")["windows"][2]["used"] == used == 5


def test_a_snapshot_is_compared_with_and_gone_back_to(account):
    before = account.contacts()
    assert account.ask("/_sandbox/compare", "POST", {}).status == 409
    account.door("snapshot", {})
    account.door("config", {"orders.shape": "lean"})
    account.door("clock", {"advance": 60})
    assert account.door("compare", {})["equal"] is True  # neither is part of the account
    account.door("edit", {"action": "block_contact", "contactID": before[0]["contactID"]})
    changed = account.door("compare", {})
    assert changed["equal"] is False
    assert changed["now"] != changed["then"]
    assert len(account.contacts()) == len(before) - 1
    account.door("reset", {})
    assert account.contacts() == before
    assert account.door("compare", {})["equal"] is True


def test_a_failure_of_its_own_has_the_envelope_and_that_of_a_proxy_is_a_page(account):
    rules = [
        {"kind": "error_before", "status": 500, "nth": [1]},
        {"kind": "error_after", "status": 500, "nth": [2]},
        {"kind": "error_after", "status": 502, "nth": [3]},
    ]
    account.door("faults", {"rules": rules})
    path = f"/api/v1.1/stores/{account.uid}"
    for _ in range(2):
        answer = account.ask(path)
        assert (answer.status, answer.json) == (
            500,
            {
                "errors": [{"message": "Internal Server Error", "code": 500}],
                "code": 500,
                "success": False,
            },
        )
    page = account.ask(path)
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"kind": "error_before", "status": 503}, 503),
        ({"kind": "error_after", "status": 502}, 502),
        ({"kind": "rate_limited"}, 429),
        ({"kind": "blocked"}, 403),
    ],
)
def test_faults_answer_in_the_place_of_the_service(account, rule, status):
    account.door("faults", {"rules": [{**rule, "path": "/stores/", "nth": [2]}]})
    assert _statuses(account, 3) == [200, status, 200]


def test_a_success_that_says_it_is_none_and_a_dropped_connection(account):
    rules = [{"kind": "not_success", "nth": [1]}, {"kind": "drop_response", "nth": [2]}]
    account.door("faults", {"rules": rules})
    answer = account.ask(f"/api/v1.1/stores/{account.uid}")
    assert (answer.status, answer.json["success"]) == (200, False)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        account.ask(f"/api/v1.1/stores/{account.uid}")


def test_a_key_can_be_revoked_in_mid_run_by_a_fault(account):
    rule = {"kind": "act", "action": {"config": {"auth.revoked": True}}, "nth": [2]}
    account.door("faults", {"rules": [rule]})
    assert _statuses(account, 3) == [200, 200, 403]


@pytest.mark.parametrize(
    ("name", "value"),
    [("orders.shape", "fat"), ("no.switch", 1), ("paging.max_limit", "many"), ("limits", True)],
)
def test_unknown_switches_and_values_are_refused(account, name, value):
    assert account.ask("/_sandbox/config", "POST", {name: value}).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1.1/piis/{uid}?start=-1",
        "/api/v1.1/piis/{uid}?limit=x",
        "/api/v1.1/piis/{uid}?start=99999999999999999999999",
        "/api/v1.1/adjustments/{uid}/a/b",
        "/api/v1.1/adjustments/{uid}/0/99999999999999999999999",
        "/api/v1.1/piis/{uid}/export",
        "/api/v1.1/piis/{uid}/bySrcID",
    ],
)
def test_parameters_that_make_no_sense_are_400(account, path):
    assert account.ask(path.replace("{uid}", account.uid)).status == 400
