"""A sandbox for each test: in this process for rules, behind a real socket for the wire."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.core import MovableClock, Reply, Request
from sandbox.pipedrive.app import PipedriveSandbox

NOON = 1_790_000_000.0


class Direct:
    """Calls `handle` as a client would call the service."""

    def __init__(self, sandbox: PipedriveSandbox) -> None:
        self.sandbox = sandbox
        self.token = sandbox.account.token

    def reply(
        self, method: str, path: str, body: Any = None, headers: Any = None, **query: Any
    ) -> Reply:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        sent = {"x-api-token": self.token, "content-type": "application/json", **(headers or {})}
        pairs = [(name, str(value)) for name, value in query.items()]
        return self.sandbox.handle(Request(method, path, pairs, sent, raw))

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        reply = self.reply(method, path, body, **query)
        return reply.status, json.loads(reply.body)

    def data(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        status, answer = self.call(method, path, body, **query)
        assert status in (200, 201), answer
        return answer["data"]

    def error(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        status, answer = self.call(method, path, body, **query)
        assert answer["success"] is False
        return status, answer["error"]

    def door(self, method: str, name: str, body: Any = None, **query: Any) -> Any:
        status, answer = self.call(method, "/_sandbox/" + name, body, **query)
        assert status == 200, answer
        return answer

    def config(self, **switches: Any) -> None:
        self.door("POST", "config", switches)

    def advance(self, seconds: float) -> None:
        self.door("POST", "clock", {"advance": seconds})

    def walk(self, path: str, **query: Any) -> list[Any]:
        """All rows of a v2 list, page by page."""
        rows: list[Any] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            status, answer = self.call("GET", path, None, **query, **more)
            assert status == 200, answer
            rows += answer["data"]
            cursor = answer["additional_data"]["next_cursor"]
            if cursor is None:
                return rows

    # frequent records

    def organization(self, **values: Any) -> int:
        return self.data("POST", "/api/v2/organizations", {"name": "Store", **values})["id"]

    def person(self, **values: Any) -> int:
        return self.data("POST", "/api/v2/persons", {"name": "Maya Ortiz", **values})["id"]

    def deal(self, **values: Any) -> int:
        return self.data("POST", "/api/v2/deals", {"title": "Order", **values})["id"]

    def product(self, **values: Any) -> int:
        return self.data("POST", "/api/v2/products", {"name": "Blue Dream", **values})["id"]

    def field(self, entity: str = "person", kind: str = "varchar", **values: Any) -> Any:
        body = {"field_name": f"A {kind} field", "field_type": kind, **values}
        return self.data("POST", f"/api/v2/{entity}Fields", body)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[PipedriveSandbox] = []

    def build(name: str = "pipedrive", **settings: Any) -> Direct:
        clock = MovableClock(frozen_at=NOON)
        sandbox = PipedriveSandbox(tmp_path / f"{name}.sqlite", clock, **settings)
        made.append(sandbox)
        direct = Direct(sandbox)
        direct.config(enforce_bursts=False)
        return direct

    yield build
    for sandbox in made:
        assert sandbox.journal.crashes == 0
        sandbox.account.store.close()


@pytest.fixture
def pipedrive(make: Any) -> Direct:
    return make()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server of its own process; the tests of a module share it."""
    state = tmp_path_factory.mktemp("served") / "pipedrive.sqlite"
    command = [sys.executable, "-m", "sandbox.pipedrive", "--state", str(state)]
    server = subprocess.Popen(
        [*command, "--window-scale", "10000"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    info = json.loads(server.stdout.readline())
    try:
        yield {**info, "state": state, "command": command}
        stats = httpx.get(info["base_url"] + "/_sandbox/stats", timeout=30).json()
        assert stats["crashes"] == 0
    finally:
        server.terminate()
        server.wait(10)
        server.stdout.close()


@pytest.fixture
def client(served: dict[str, Any]) -> Iterator[httpx.Client]:
    headers = {"x-api-token": served["api_token"]}
    with httpx.Client(base_url=served["base_url"], headers=headers, timeout=30) as opened:
        yield opened
        opened.post("/_sandbox/faults", json={"rules": []})
