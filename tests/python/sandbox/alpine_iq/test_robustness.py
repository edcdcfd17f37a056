"""Over real HTTP: whatever comes, the answer is an error envelope and the server lives on."""

from __future__ import annotations

import asyncio
import http.client
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.alpine_iq.switches import SWITCHES


def test_every_switch_is_turned_by_a_test(request):
    folder = request.config.rootpath / "tests" / "python" / "sandbox" / "alpine_iq"
    turned = " ".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert [name for name in SWITCHES if f'"{name}": ' not in turned] == []


def test_every_switch_is_documented(request):
    text = (request.config.rootpath / "docs" / "sandbox-alpine-iq.md").read_text(encoding="utf-8")
    assert [name for name in SWITCHES if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/api", 404),
        ("/api/v1.1/piis", 404),
        ("/api/v1.1/piis/{uid}/a/b/c/d", 404),
        ("/api/v1.1/piis/{uid}/%00", 404),
        ("/api/v1.1/piis/{uid}/..%2f..%2fetc", 404),
        ("/api/v1.1/piis/{uid}/" + "9" * 4000, 404),
        ("/api/v1.1/piis/{uid}?limit=99999999999999999999999", 400),
        ("/api/v1.1/piis/{uid}?sort=%27%3Bdrop%20table%20contacts", 400),
        ("/_sandbox/nothing", 404),
    ],
)
def test_odd_paths_get_an_error_envelope(account, path, status):
    answer = account.ask(path.replace("{uid}", account.uid))
    assert answer.status == status
    if not path.startswith("/_sandbox"):
        assert answer.json["success"] is False


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null", b'{"email": 5}']
)
def test_a_bad_body_of_a_reading_post_is_refused(account, body):
    headers = {"x-apikey": account.key}
    answer = httpx.post(f"{account.base_url}/api/v2/wallet", content=body, headers=headers)
    assert answer.status_code in (400, 404)
    assert answer.json()["success"] is False


def test_a_huge_body_is_refused_and_the_next_call_answered(account):
    parts = urlsplit(account.base_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.putrequest("POST", "/api/v2/wallet")
    connection.putheader("X-APIKEY", account.key)
    connection.putheader("Content-Length", str(10**10))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert account.ask(f"/api/v1.1/stores/{account.uid}").status == 200


def test_a_thousand_connections_at_once_are_all_answered(account):
    parts = urlsplit(account.base_url)
    request = (
        f"GET /api/v1.1/stores/{account.uid} HTTP/1.1\r\nhost: localhost\r\n"
        f"x-apikey: {account.key}\r\nconnection: close\r\n\r\n"
    ).encode()

    async def one(opened: asyncio.Barrier) -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        await opened.wait()  # all thousand are open before the first asks
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer.split(b"\r\n", 1)[0]

    async def storm() -> list[bytes]:
        opened = asyncio.Barrier(1000)
        return await asyncio.gather(*(one(opened) for _ in range(1000)))

    assert set(asyncio.run(storm())) == {b"HTTP/1.1 200 OK"}
