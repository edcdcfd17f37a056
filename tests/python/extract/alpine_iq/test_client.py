"""What may be sent, to whom, and what is made of each answer."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from extract.alpine_iq import client as client_module
from extract.alpine_iq.client import AlpineIQClient, NoUsableAnswer, pinned_origin
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.settings import (
    CONTACT,
    ENDPOINTS,
    STORES,
    WINDOWS,
    AlpineIQAccount,
    Endpoint,
)
from load.errors import ConfigError, InvariantBroken, RetryLater

from .conftest import Said, Scripted

KEY = "canary-key-5d1f"
PERSON = "canary.person@example.com"
GOOD = Said(body=b'{"data":[1],"code":200,"success":true}')


@pytest.fixture
def client(service: Scripted, tmp_path: Path) -> Iterator[AlpineIQClient]:
    account = AlpineIQAccount(service.base_url, "4242", KEY, window_scale=1_000, read_timeout=0.5)
    limiter = CallLimiter(
        tmp_path / "calls.sqlite", "4242", WINDOWS, scale=1_000, now=time.time, sleep=time.sleep
    )
    made = AlpineIQClient(account, limiter, "run")
    yield made
    made.close()
    limiter.close()


def read(client: AlpineIQClient, endpoint: Endpoint = STORES, **path: str) -> bytes:
    return client.read(endpoint, client.request_text(endpoint, path, {})).body


def test_the_key_goes_in_its_header_and_nowhere_else(
    client: AlpineIQClient, service: Scripted
) -> None:
    service.say(GOOD)
    read(client)
    method, path, headers = service.asked[0]
    assert (method, path) == ("GET", "/api/v1.1/stores/4242")
    assert headers["x-apikey"] == KEY
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "bad",
    [
        Said(status=500),
        Said(status=502, body=b"<html>Bad gateway</html>"),
        Said(body=b"<html>Please log in</html>"),
        Said(body=b'{"data":null,"code":500,"success":false}'),
        Said(body=b'{"data":[1,2'),
        Said(body=b'{"data":NaN,"success":true}'),
        Said(body=b'{"data":"\xff","success":true}'),
        Said(body=b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b',"success":true}'),
        Said(body=GOOD.body, cut_at=5),
        Said(body=b"", status=200),
        Said(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=[
        "500",
        "502",
        "html",
        "success-false",
        "cut-json",
        "nan",
        "not-utf8",
        "deep",
        "truncated",
        "empty",
        "bad-gzip",
    ],
)
def test_an_unusable_answer_is_asked_for_again(
    bad: Said, client: AlpineIQClient, service: Scripted
) -> None:
    service.say(bad, bad, GOOD)
    assert read(client) == GOOD.body
    assert len(service.asked) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_fault_that_stays_is_told_as_run_again_later(
    status: int, client: AlpineIQClient, service: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_MAX_PAUSES", 3)
    service.say(Said(status=status, body=PERSON.encode()))
    with pytest.raises(RetryLater) as caught:
        read(client, CONTACT, contact_id=PERSON)
    assert caught.value.exit_code == 75
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once(
    status: int, client: AlpineIQClient, service: Scripted
) -> None:
    service.say(Said(status=status, body=PERSON.encode()))
    with pytest.raises(ConfigError) as caught:
        read(client, CONTACT, contact_id=PERSON)
    assert caught.value.exit_code == 2
    assert len(service.asked) == 1
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, client: AlpineIQClient, service: Scripted) -> None:
    service.say(Said(status=status, headers={"Location": f"{service.base_url}/elsewhere"}))
    with pytest.raises(ConfigError, match="redirect"):
        read(client)
    assert len(service.asked) == 1


@pytest.mark.parametrize("retry_after", ["", "-5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "nan"])
def test_a_429_with_a_senseless_pause_is_waited_out(
    retry_after: str, client: AlpineIQClient, service: Scripted
) -> None:
    service.say(Said(status=429, headers={"Retry-After": retry_after}), GOOD)
    assert read(client) == GOOD.body


def test_a_429_that_asks_for_years_stops_the_run(client: AlpineIQClient, service: Scripted) -> None:
    service.say(Said(status=429, headers={"Retry-After": "1000000000"}), GOOD)
    with pytest.raises(RetryLater, match="pause"):
        read(client)


def test_an_unreachable_service_is_told_as_run_again_later(tmp_path: Path) -> None:
    account = AlpineIQAccount("http://127.0.0.1:9", "4242", KEY, window_scale=1_000)
    limiter = CallLimiter(
        tmp_path / "calls.sqlite", "4242", WINDOWS, scale=1_000, now=time.time, sleep=time.sleep
    )
    client = AlpineIQClient(account, limiter, "run")
    with pytest.raises(RetryLater, match="no connection"):
        read(client)
    client.close()
    limiter.close()


def test_a_byte_order_mark_and_compression_are_understood(
    client: AlpineIQClient, service: Scripted
) -> None:
    packed = gzip.compress(b"\xef\xbb\xbf" + GOOD.body)
    service.say(Said(body=packed, headers={"Content-Encoding": "gzip"}))
    assert read(client) == GOOD.body


def test_an_answer_beyond_the_cap_is_cut_off(
    client: AlpineIQClient, service: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_BODY_BYTES", 1_000_000)
    bomb = gzip.compress(b'{"data":"' + b"a" * 30_000_000 + b'","success":true}')
    service.say(Said(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(NoUsableAnswer, match="larger"):
        client.read(STORES, client.request_text(STORES, {}, {}), attempts=1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_but_reading_leaves_this_machine(
    method: str, client: AlpineIQClient, service: Scripted
) -> None:
    service.say(GOOD)
    with pytest.raises(InvariantBroken):
        client._http.request(method, f"{service.base_url}/api/v1.1/adjust/loyaltyPoints/4242/x")
    assert service.asked == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "https://lab.alpineiq.com.evil.example/x", "http://localhost/x"],
)
def test_the_key_goes_to_one_host(url: str, client: AlpineIQClient) -> None:
    with pytest.raises(InvariantBroken):
        client._http.get(url)


def test_only_listed_endpoints_can_be_asked(client: AlpineIQClient) -> None:
    with pytest.raises(InvariantBroken):
        client.read(Endpoint("adjust", "/api/v1.1/adjust/{uid}"), "/api/v1.1/adjust/4242")


def test_no_endpoint_is_one_that_acts_on_customers() -> None:
    acting = ("verify", "redeem", "/adjust/", "/sms", "createUpdate", "walletSeed", "ingest")
    assert [each.path for each in ENDPOINTS if any(word in each.path for word in acting)] == []
    assert {each.method for each in ENDPOINTS} == {"GET"}


def test_path_values_cannot_leave_their_place(client: AlpineIQClient) -> None:
    text = client.request_text(CONTACT, {"contact_id": "../../v2/x?y=1#+@"}, {})
    assert text == "/api/v1.1/piis/4242/..%2F..%2Fv2%2Fx%3Fy%3D1%23%2B%40"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://lab.alpineiq.com",
        "ftp://lab.alpineiq.com",
        "https://user:pass@lab.alpineiq.com",
        "https://lab.alpineiq.com/api",
        "https://lab.alpineiq.com?x=1",
        "http://10.0.0.1",
        "lab.alpineiq.com",
        "",
    ],
)
def test_an_address_that_could_leak_the_key_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigError):
        pinned_origin(base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://lab.alpineiq.com",
        "https://lab.alpineiq.com/",
        "http://127.0.0.1:80",
        "http://[::1]:8",
    ],
)
def test_https_and_loopback_are_accepted(base_url: str) -> None:
    assert pinned_origin(base_url).startswith("http")


def test_logs_hold_neither_key_nor_address(
    client: AlpineIQClient, service: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    service.say(Said(status=500), GOOD)
    with caplog.at_level(logging.INFO):
        read(client, CONTACT, contact_id=PERSON)
    assert KEY not in caplog.text
    assert "canary.person" not in caplog.text


def test_the_environment_sets_no_proxy(
    client: AlpineIQClient, service: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not client._http.trust_env
    assert client._http.follow_redirects is False
    assert isinstance(client._http, httpx.Client)


def assert_tells_nothing(error: BaseException) -> None:
    seen: BaseException | None = error
    while seen is not None:
        assert KEY not in repr(seen)
        assert "canary.person" not in repr(seen)
        seen = seen.__cause__
