"""Over real HTTP: whatever comes, the answer is a documented error and the server lives on."""

from __future__ import annotations

import asyncio
import json
import subprocess

import httpx
import pytest


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 405),
        ("GET", "/api/v2", 405),
        ("GET", "/api/v2/unicorns", 405),
        ("GET", "/api/v1/unicorns", 404),
        ("PUT", "/api/v2/persons", 405),
        ("DELETE", "/api/v1/users/me", 405),
        ("GET", "/api/v2/persons/abc", 400),
        ("GET", "/api/v2/persons/-1", 400),
        ("GET", "/api/v2/persons/1e5", 400),
        ("GET", "/api/v2/persons/99999999999999999999999", 400),
        ("GET", "/api/v2/persons/%00", 400),
        ("GET", "/api/v2/persons/..%2f..", 405),
        ("GET", "/api/v2/persons/1", 404),
        ("GET", "/api/v1/notes/abc", 404),
        ("GET", "/v1/users/me", 200),
        ("GET", "/v2/persons", 405),
        ("GET", "/_sandbox/nothing", 404),
    ],
)
def test_odd_paths_get_the_documented_error(client, method, path, status):
    assert client.request(method, path).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b'{"org_id": 1e999}',
        b'{"org_id": 123456789012345678901234567890}',
        b"[" * 100_000,
        b'{"name":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b'{"name": "x", "emails": [null, 1, "a", []]}',
        b'{"name": "x", "custom_fields": []}',
        b'{"name": "x", "label_ids": [1.5, true, null]}',
        b'{"name": "x", "name": 5}',
    ],
)
@pytest.mark.parametrize("path", ["/api/v2/persons", "/api/v2/deals", "/api/v2/personFields"])
def test_a_bad_body_is_refused_and_nothing_breaks(client, path, body):
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["success"] is False


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"\xff", b'{"content": 5, "deal_id": 1}'])
def test_a_bad_v1_body_is_a_bad_request(client, body):
    answer = client.post("/api/v1/notes", content=body)
    assert answer.status_code == 400


def test_null_bytes_and_odd_text_are_kept_as_sent(client):
    client.post("/_sandbox/config", json={"search_lag": 0.0})
    name = "null \0 byte \u202e rtl 🌿 'quote' \"double\" \\ <b>"
    made = client.post("/api/v2/persons", json={"name": name}).json()["data"]
    assert client.get(f"/api/v2/persons/{made['id']}").json()["data"]["name"] == name
    found = client.get("/api/v2/persons/search", params={"term": "byte \u202e rtl 🌿 'quote'"})
    assert len(found.json()["data"]["items"]) == 1


def test_a_huge_body_is_refused(client):
    answer = client.post("/api/v2/persons", content=b"x" * (65 * 1024 * 1024))
    assert answer.status_code == 413
    text = {"name": "x" * 1_000_000}
    assert client.post("/api/v2/persons", json=text).status_code == 200


def test_a_thousand_connections_at_once_are_all_answered(served):
    async def storm():
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=0)
        headers = {"x-api-token": served["api_token"]}
        async with httpx.AsyncClient(
            base_url=served["base_url"], headers=headers, limits=limits, timeout=120
        ) as client:
            calls = [
                client.post("/api/v2/organizations", json={"name": str(n)}) for n in range(1000)
            ]
            return await asyncio.gather(*calls)

    httpx.post(served["base_url"] + "/_sandbox/config", json={"enforce_bursts": False}, timeout=30)
    answers = asyncio.run(storm())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1000


def test_a_killed_server_keeps_what_it_acknowledged(tmp_path, served):
    state = tmp_path / "killed.sqlite"
    command = [*served["command"][:3], "--state", str(state)]

    def start():
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return server, json.loads(server.stdout.readline())

    server, info = start()
    headers = {"x-api-token": info["api_token"]}
    made = [
        httpx.post(
            info["base_url"] + "/api/v2/persons", json={"name": str(n)}, headers=headers
        ).json()["data"]["id"]
        for n in range(20)
    ]
    server.kill()
    server.wait()
    server.stdout.close()
    server, info = start()
    try:
        listed = httpx.get(info["base_url"] + "/api/v2/persons", headers=headers).json()["data"]
        assert [row["id"] for row in listed] == made
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
