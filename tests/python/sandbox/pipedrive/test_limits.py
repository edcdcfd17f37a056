"""Token costs, the daily budget, burst windows, headers, refusals and the block after them."""

from __future__ import annotations

import pytest

from sandbox.limits import SlidingWindow
from sandbox.pipedrive.catalog import load_catalog

ME = "/api/v1/users/me"


@pytest.mark.parametrize(
    ("plan", "seats", "budget", "burst"),
    [
        ("lite", 1, 30_000, 20),
        ("growth", 5, 300_000, 40),
        ("premium", 10, 1_500_000, 100),
        ("ultimate", 5, 1_050_000, 120),
    ],
)
def test_budget_and_burst_follow_plan_and_seats(make, plan, seats, budget, burst):
    headers = make(plan=plan, seats=seats).reply("GET", ME).headers
    assert headers["x-daily-ratelimit-token-limit"] == str(budget)
    assert headers["x-daily-ratelimit-token-remaining"] == str(budget - 2)
    assert headers["x-ratelimit-limit"] == str(burst)


def test_a_call_costs_what_the_specification_says(pipedrive):
    person = pipedrive.person()
    calls = [
        ("GET", "/api/v2/persons", 10),
        ("GET", f"/api/v2/persons/{person}", 1),
        ("PATCH", f"/api/v2/persons/{person}", 5),
        ("GET", "/api/v1/notes", 20),
        ("DELETE", f"/api/v2/persons/{person}", 3),
    ]
    for method, path, cost in calls:
        before = pipedrive.door("GET", "stats")["tokens"]
        pipedrive.data(method, path, {} if method == "PATCH" else None)
        assert pipedrive.door("GET", "stats")["tokens"] - before == cost, (method, path)
    costs = {(entry.method, entry.path): entry.cost for entry in load_catalog().endpoints}
    assert len(costs) == 368
    assert costs["POST", "/api/v2/deals/{id}/products/bulk"] == 25


def test_the_budget_ends_with_429_and_comes_back_at_its_hour(pipedrive):
    pipedrive.config(daily_budget=12, budget_reset_hour=3)
    assert pipedrive.call("GET", "/api/v2/persons")[0] == 200
    status, answer = pipedrive.call("POST", "/api/v2/persons", {"name": "A"})
    assert (status, answer["error"]) == (429, "Rate limit exceeded")
    reply = pipedrive.reply("GET", ME)
    assert reply.status == 200
    assert reply.headers["x-daily-ratelimit-token-remaining"] == "0"
    resets_at = pipedrive.door("GET", "stats")["budget_resets_at"]
    assert resets_at % 86_400 == 3 * 3600
    pipedrive.advance(resets_at - pipedrive.door("GET", "clock")["now"] + 1)
    assert pipedrive.call("GET", "/api/v2/persons")[0] == 200


def test_refused_calls_cost_full_price_but_401_and_429_are_free(pipedrive):
    def spent():
        return pipedrive.door("GET", "stats")["tokens_today"]

    pipedrive.error("POST", "/api/v2/persons", {})
    assert spent() == 5
    assert pipedrive.reply("GET", ME, headers={"x-api-token": "wrong"}).status == 401
    pipedrive.config(daily_budget=6)
    assert pipedrive.call("GET", "/api/v1/users")[0] == 429
    assert spent() == 5
    pipedrive.config(daily_budget=1000, charge_rejected=False)
    pipedrive.error("POST", "/api/v2/persons", {})
    assert spent() == 5


def test_a_burst_is_refused_until_the_window_has_passed(pipedrive):
    pipedrive.config(enforce_bursts=True)
    replies = [pipedrive.reply("GET", ME) for _ in range(41)]
    assert [reply.status for reply in replies] == [200] * 40 + [429]
    assert replies[39].headers["x-ratelimit-remaining"] == "0"
    assert replies[40].headers["x-ratelimit-reset"] == "2"
    assert "retry-after" not in replies[40].headers
    pipedrive.advance(2)
    assert pipedrive.reply("GET", ME).status == 200


def test_searches_have_a_window_of_their_own_on_every_plan(make):
    pipedrive = make(plan="ultimate")
    pipedrive.config(enforce_bursts=True)
    statuses = [pipedrive.call("GET", "/api/v2/persons/search", term="ab")[0] for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert pipedrive.reply("GET", ME).status == 200


def test_an_oauth_token_has_a_wider_window(pipedrive):
    pipedrive.config(enforce_bursts=True)
    headers = {"authorization": f"Bearer {pipedrive.token}", "x-api-token": ""}
    sandbox = pipedrive.sandbox
    reply = pipedrive.reply("GET", ME)
    assert reply.headers["x-ratelimit-limit"] == "40"
    headers.pop("x-api-token")
    from sandbox.core import Request

    reply = sandbox.handle(Request("GET", ME, [], headers))
    assert reply.headers["x-ratelimit-limit"] == "160"


def test_ignored_refusals_end_in_an_html_block(pipedrive):
    pipedrive.config(enforce_bursts=True, burst_limit=1)
    replies = [pipedrive.reply("GET", ME) for _ in range(53)]
    assert [reply.status for reply in replies] == [200] + [429] * 50 + [403] * 2
    assert replies[-1].headers["content-type"].startswith("text/html")
    pipedrive.advance(299)
    assert pipedrive.reply("GET", ME).status == 403
    pipedrive.advance(2)
    assert pipedrive.reply("GET", ME).status == 200


@pytest.mark.parametrize(("kind", "body"), [("empty", b""), ("html", b"<html>")])
def test_the_body_of_a_refusal_is_a_switch(pipedrive, kind, body):
    pipedrive.config(daily_budget=0, rejection_429=kind, retry_after=True)
    reply = pipedrive.reply("GET", ME)
    assert reply.status == 429
    assert reply.body.startswith(body)
    assert reply.headers["retry-after"] == "2"


def test_daily_headers_can_be_missing(pipedrive):
    pipedrive.config(daily_headers_dropped=0.5)
    seen = [
        "x-daily-ratelimit-token-remaining" in pipedrive.reply("GET", ME).headers
        for _ in range(100)
    ]
    assert 20 < sum(seen) < 80


def test_writes_left_are_counted_for_tokens_and_not_on_get(pipedrive):
    assert "x-daily-requests-left" not in pipedrive.reply("GET", ME).headers
    reply = pipedrive.reply("POST", "/api/v2/persons", {"name": "A"})
    assert reply.headers["x-daily-requests-left"] == "9999"


def test_nothing_is_answered_without_a_valid_token(pipedrive):
    for path in (ME, "/api/v2/nowhere", "/api/v2/persons"):
        reply = pipedrive.reply("GET", path, headers={"x-api-token": "wrong"})
        assert reply.status == 401
        assert reply.headers["x-401-by-gw"] == "true"
        assert b'"errorCode":401' in reply.body
    wrong = pipedrive.reply("GET", ME, headers={"x-api-token": ""}, api_token=pipedrive.token)
    assert wrong.status == 401


def test_a_closed_account_answers_402(pipedrive):
    pipedrive.config(account_open=False)
    assert pipedrive.error("GET", ME)[0] == 402


def test_window_scale_shortens_windows():
    window = SlidingWindow(2, 2.0, factor=10)
    window.take(0.0)
    window.take(0.1)
    assert not window.has_room(0.15)
    assert window.reset_after(0.15) == pytest.approx(0.05)
    assert window.has_room(0.21)
