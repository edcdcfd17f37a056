"""The client: what each end of a call means, where the token goes, what is told and what is not."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
from dataclasses import replace

import httpx
import pytest

from load.budget import TokensInMemory
from load.client import LARGEST_BODY, PipedriveClient
from load.clock import RealClock
from load.errors import (
    AccessRefused,
    Ambiguous,
    BudgetExhausted,
    ConfigError,
    InvariantBroken,
    NeverSent,
    Paused,
    Rejected,
    RetryLater,
)
from load.settings import PipedriveAccount

TOKEN = "canary0token0that0must0never0be0seen0000"
SECRETS = (TOKEN, "Maya", "maya@example.com", "+12065550143")
PERSON = {"name": "Maya Ortiz", "emails": [{"value": "maya@example.com"}]}
ECHO = {"success": False, "error": "Validation failed: name: Maya maya@example.com +12065550143"}
JSON = {"content-type": "application/json; charset=utf-8"}
NEVER_SENT = ["ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol",
              "LocalProtocolError"]  # fmt: skip
AMBIGUOUS = ["ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "RemoteProtocolError",
             "CloseError", "DecodingError", "ProxyError", "TooManyRedirects"]  # fmt: skip


class Impatient(RealClock):
    """Waits for nothing, so that back-offs and rests cost no time."""

    def __init__(self):
        self.waited = 0.0

    def monotonic(self):
        return super().monotonic() + self.waited

    async def sleep(self, seconds):
        self.waited += seconds
        await asyncio.sleep(0)


def account(base_url="http://127.0.0.1:9", **more):
    return PipedriveAccount(
        base_url=base_url, api_token=TOKEN, plan="ultimate", seats=5, window_scale=50, **more
    )


def answering(*answers):
    """A transport that gives these answers (or raises these errors), the last one for ever."""
    left, seen = list(answers), []

    def handle(request):
        seen.append(request)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    transport.seen = seen
    return transport


def call(transport, method="POST", path="/api/v2/persons", *, store=None, settings=None, **more):
    """One call of a new client; gives the answer and the client."""

    async def run():
        client = PipedriveClient(
            settings or account(), store or TokensInMemory(), Impatient(), transport,
            read_only=more.pop("read_only", False), jitter=random.Random(1),
        )  # fmt: skip
        async with client:
            body = PERSON if method != "GET" else None
            return await client.call(method, path, cost=5, json=body, entity="person", **more)

    return asyncio.run(run())


def reply(status, body=None, headers=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers=headers or JSON)


def error_of(name):
    return getattr(httpx, name)(f"text with {TOKEN} and Maya")


# ---------------------------------------------------------------- what became of a call


@pytest.mark.parametrize("name", NEVER_SENT)
def test_a_write_that_never_left_may_be_planned_again(name):
    transport, store = answering(error_of(name)), TokensInMemory()
    with pytest.raises(NeverSent, match=name):
        call(transport, store=store)
    assert len(transport.seen) == 1
    assert sum(store.tokens.values()) == 0


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_write_that_may_have_been_applied_is_never_sent_again(name):
    transport, store = answering(error_of(name)), TokensInMemory()
    with pytest.raises(Ambiguous, match=name):
        call(transport, store=store)
    assert len(transport.seen) == 1
    assert sum(store.tokens.values()) == 5


def test_every_exception_of_the_connection_is_in_the_table():
    abstract = {"TransportError", "TimeoutException", "NetworkError", "ProtocolError",
                "RequestError", "HTTPError", "HTTPStatusError"}  # fmt: skip
    known = {
        name
        for name, value in vars(httpx).items()
        if isinstance(value, type) and issubclass(value, httpx.HTTPError)
    }
    assert known - abstract == {*NEVER_SENT, *AMBIGUOUS}


@pytest.mark.parametrize("status", [408, 409, 418, 500, 501, 502, 503, 504, 599])
def test_an_answer_that_decides_nothing_is_ambiguous_for_a_write(status):
    transport = answering(reply(status, ECHO))
    with pytest.raises(Ambiguous, match=str(status)):
        call(transport)
    assert len(transport.seen) == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html></html>", {"content-type": "text/html"}),
        (b'{"success":true,"data":{"id":1}}', {"content-type": "text/plain"}),
        (b"", JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"success":false,"data":null}', JSON),
        (b'{"success":"true","data":{"id":1}}', JSON),
        (b'{"data":{"id":1}}', JSON),
        (b'{"success":true,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON),
        (b'{"success":true,"data":{"id":1}}\xff', JSON),
    ],
    ids=["html", "no type", "empty", "cut", "list", "false", "text", "none", "deep", "bytes"],
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_success_that_cannot_be_read_is_ambiguous_for_a_write(status, body, headers):
    with pytest.raises(Ambiguous, match="unreadable success"):
        call(answering(reply(status, body, headers)))


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_gives_data_what_stands_beside_it_and_its_text(status):
    text = b'{"success":true,"data":{"id": 7, "value": 84.50},"additional_data":{"a":1}}'
    answer = call(answering(reply(status, text)))
    assert (answer.status, answer.data["id"], answer.additional) == (status, 7, {"a": 1})
    assert answer.raw == b'{"id": 7, "value": 84.50}'


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 415, 422])
def test_a_refusal_names_status_code_and_field_and_nothing_else(status):
    body = ECHO | {"code": "ERR_SCHEMA_VALIDATION_FAILED"}
    with pytest.raises(Rejected) as caught:
        call(answering(reply(status, body)))
    refusal = caught.value
    assert (refusal.status, refusal.field) == (status, "name")
    assert refusal.code == "ERR_SCHEMA_VALIDATION_FAILED"
    assert not any(secret in str(refusal) for secret in SECRETS)


def test_a_405_page_is_a_refusal_of_this_call_only():
    with pytest.raises(Rejected):
        call(answering(reply(405, b"<html>", {"content-type": "text/html"})))


@pytest.mark.parametrize(
    "stop",
    [
        reply(401, {"success": False, "error": "unauthorized access", "errorCode": 401}),
        reply(402, ECHO),
        reply(403, b"<html>Cloudflare</html>", {"content-type": "text/html"}),
        reply(301, b"", {"location": "https://evil.example/"}),
        reply(307, b"", {"location": "https://evil.example/"}),
    ],
    ids=["401", "402", "403 page", "301", "307"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_closed_door_stops_every_further_call_before_it_leaves(method, stop):
    transport = answering(stop)

    async def run():
        client = PipedriveClient(account(), TokensInMemory(), Impatient(), transport)
        async with client:
            for _ in range(3):
                with pytest.raises(AccessRefused) as caught:
                    await client.call(method, "/api/v2/persons", cost=5)
                assert caught.value.status == stop.status_code
            return client

    client = asyncio.run(run())
    assert len(transport.seen) == client.calls == 1
    assert client.tokens == 0


# ---------------------------------------------------------------- retries


@pytest.mark.parametrize(
    "trouble",
    [error_of("ReadTimeout"), error_of("ConnectError"), reply(503, {}), reply(200, b"{")],
    ids=["timeout", "connect", "503", "cut"],
)
def test_a_read_is_tried_again_until_it_answers(trouble):
    good = reply(200, {"success": True, "data": []})
    transport = answering(trouble, trouble, trouble, trouble, good)
    assert call(transport, "GET").data == []
    assert len(transport.seen) == 5


def test_a_read_gives_up_after_five_tries():
    transport = answering(reply(503, ECHO))
    with pytest.raises(RetryLater, match=r"5 tries \(HTTP 503\)") as caught:
        call(transport, "GET")
    assert not isinstance(caught.value, Ambiguous)
    assert len(transport.seen) == 5


def test_a_refused_read_is_not_tried_again():
    transport = answering(reply(404, ECHO))
    with pytest.raises(Rejected):
        call(transport, "GET")
    assert len(transport.seen) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"success":false}'])
def test_a_write_refused_for_its_number_is_sent_again_whatever_the_body(body):
    good, store = reply(201, {"success": True, "data": {"id": 1}}), TokensInMemory()
    transport = answering(reply(429, body, {"content-type": "text/plain"}), good)
    assert call(transport, store=store).data == {"id": 1}
    assert len(transport.seen) == 2
    assert sum(store.tokens.values()) == 5


def test_a_write_that_is_always_refused_for_its_number_pauses_the_run():
    with pytest.raises(Paused):
        call(answering(reply(429, b"")))


def test_a_day_without_tokens_is_told_with_its_end():
    spent = JSON | {
        "x-daily-ratelimit-token-limit": "1000",
        "x-daily-ratelimit-token-remaining": "2",
    }
    transport = answering(reply(429, {}, spent))
    with pytest.raises(BudgetExhausted) as caught:
        call(transport)
    assert caught.value.resets_at is not None
    assert len(transport.seen) == 1


# ---------------------------------------------------------------- where the token goes


def test_the_token_travels_in_its_header_and_nowhere_else(caplog):
    caplog.set_level(logging.DEBUG)
    transport = answering(reply(200, {"success": True, "data": []}))
    call(transport, "GET", params={"limit": 1})
    (request,) = transport.seen
    assert request.headers["x-api-token"] == TOKEN
    assert TOKEN not in str(request.url)
    assert not any(secret in caplog.text for secret in SECRETS)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/api/v2/persons",
        "//evil.example/api/v2/persons",
        "@evil.example/api/v2/persons",
        "/api/v2/persons?x=1",
        "/api/v2/../x",
        "/api/v2/persons\r\nx: y",
    ],
)
def test_no_byte_leaves_for_a_path_that_leads_elsewhere(path):
    transport = answering(reply(200, {"success": True, "data": []}))
    with pytest.raises(InvariantBroken):
        call(transport, "GET", path)
    assert transport.seen == []


def test_a_cursor_can_only_ever_be_a_parameter():
    transport = answering(reply(200, {"success": True, "data": []}))
    call(transport, "GET", params={"cursor": "https://evil.example/?x#y\r\n"})
    assert transport.seen[0].url.host == "127.0.0.1"


def test_proxies_of_the_environment_are_ignored(monkeypatch, company):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    settings = replace(account(company.base_url), api_token=company.api_token)
    assert call(None, "GET", "/api/v1/users/me", settings=settings).data["company_id"]


@pytest.mark.parametrize("token", ["", "a b", "caf\u00e9", "abc\n", "abc\r\nx: y"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(token):
    with pytest.raises(ConfigError, match="PIPEDRIVE_API_TOKEN") as caught:
        PipedriveClient(replace(account(), api_token=token), TokensInMemory())
    assert not token or token not in str(caught.value)


def test_nothing_that_is_shown_of_client_or_account_holds_the_token():
    client = PipedriveClient(account(), TokensInMemory())
    assert TOKEN not in f"{client!r} {client} {account()!r}"


@pytest.mark.parametrize(
    "answer",
    [error_of("ReadTimeout"), error_of("ConnectError"), reply(400, ECHO), reply(500, ECHO)],
)
def test_no_error_carries_a_request_or_a_text_of_the_server(answer):
    with pytest.raises((RetryLater, Rejected)) as caught:
        call(answering(answer))
    error = caught.value
    while error is not None:
        assert not any(secret in f"{error!r} {error} {vars(error)}" for secret in SECRETS)
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


# ---------------------------------------------------------------- what a client may do


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_reading_client_sends_no_write(method):
    transport = answering(reply(200, {"success": True, "data": {"id": 1}}))
    with pytest.raises(InvariantBroken, match="reading client"):
        call(transport, method, read_only=True)
    assert transport.seen == []


def test_a_body_larger_than_any_true_answer_is_not_read():
    class Endless(httpx.AsyncByteStream):
        given = 0

        async def __aiter__(self):
            while True:
                Endless.given += 1_000_000
                yield b" " * 1_000_000

    with pytest.raises(Ambiguous, match="TooLarge"):
        call(answering(httpx.Response(200, stream=Endless(), headers=JSON)))
    assert Endless.given < LARGEST_BODY + 2_000_000


def test_a_body_is_json_and_keeps_its_types():
    transport = answering(reply(200, {"success": True, "data": {"id": 1}}))
    call(transport)
    (request,) = transport.seen
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == PERSON


def test_a_plain_number_that_is_none_never_becomes_null():
    async def run():
        async with PipedriveClient(account(), TokensInMemory(), Impatient()) as client:
            await client.call("POST", "/api/v2/persons", cost=5, json={"x": float("nan")})

    with pytest.raises(ValueError, match="JSON"):
        asyncio.run(run())


# ---------------------------------------------------------------- over a real connection


def of(company, **more):
    return replace(account(company.base_url, **more), api_token=company.api_token)


def test_a_created_person_comes_back_with_its_id_and_its_tokens_are_counted(company):
    store = TokensInMemory()
    answer = call(None, store=store, settings=of(company))
    assert isinstance(answer.data["id"], int)
    ((key, tokens),) = store.tokens.items()
    assert (key[2:], tokens) == (("person", "POST /api/v2/persons"), 5)


def test_doubt_over_a_socket_is_ambiguous_and_sent_once(company):
    for kind in ("drop_request", "drop_response", "error_before", "error_after", "truncate",
                 "invalid_json", "empty", "html", "not_success"):  # fmt: skip
        before = company.writes()
        company.faults({"kind": kind, "method": "POST", "path": "/persons"})
        with pytest.raises(Ambiguous):
            call(None, settings=of(company))
        assert company.writes() <= before + 1, kind


def test_a_server_that_is_silent_is_ambiguous_after_the_read_timeout(company):
    company.faults({"kind": "slow_response", "seconds": 0.6, "method": "POST"})
    with pytest.raises(Ambiguous, match="ReadTimeout"):
        call(None, settings=of(company, read_timeout=0.3))


def test_a_port_where_nobody_listens_is_never_sent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NeverSent, match="can't be reached"):
        call(None, settings=account(f"http://127.0.0.1:{port}"))


def test_a_wrong_token_is_refused_by_name_of_the_variable(company):
    settings = replace(of(company), api_token="wrong")
    with pytest.raises(AccessRefused, match="PIPEDRIVE_API_TOKEN"):
        call(None, "GET", "/api/v1/users/me", settings=settings)


def test_the_pace_of_a_plan_is_held_without_a_single_429(new_company):
    company = new_company(plan="lite")
    settings = replace(of(company), plan="lite", window_scale=10)
    company.config(burst_limit=20)

    async def run():
        clock = RealClock()
        async with PipedriveClient(settings, TokensInMemory(), clock) as client:
            began = clock.monotonic()
            calls = [client.call("GET", "/api/v1/users/me", cost=2) for _ in range(200)]
            await asyncio.gather(*calls)
            return client.calls, clock.monotonic() - began

    calls, seconds = asyncio.run(run())
    assert calls == 200, "a 429 was sent again"
    assert seconds >= 199 * 0.2 / 20


def test_the_days_end_over_a_socket_stops_before_the_customers_share(company):
    company.config(daily_budget=100)
    settings = of(company, budget_share=0.5)

    async def run():
        async with PipedriveClient(settings, TokensInMemory()) as client:
            while True:
                await client.call("POST", "/api/v2/persons", cost=5, json={"name": "A"})

    with pytest.raises(BudgetExhausted):
        asyncio.run(run())
    assert company.writes() == 10
