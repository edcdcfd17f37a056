"""A small account served over real HTTP, anew for each test from one generated state."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.alpine_iq.fill import fill
from sandbox.alpine_iq.service import Service
from sandbox.alpine_iq.store import Store
from sandbox.generator import AccountSpec, build_account
from sandbox.server import run

SPEC = AccountSpec(personas=150, seed=11)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        assert self.status == 200, (self.status, self.body[:200])
        return self.json["data"]


@dataclass
class Account:
    """A served account and how to ask it."""

    base_url: str
    service: Service
    uid: str = SPEC.uid
    key: str = SPEC.api_key

    def ask(self, path: str, method: str = "GET", body: Any = None, headers: Any = None) -> Answer:
        parts = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        try:
            sent = {"X-APIKEY": self.key} if headers is None else headers
            connection.request(
                method, path, None if body is None else json.dumps(body), headers=sent
            )
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        return self.ask(path.replace("{uid}", self.uid)).data

    def door(self, name: str, body: Any = None) -> Any:
        answer = self.ask(f"/_sandbox/{name}", "GET" if body is None else "POST", body)
        assert answer.status == 200, answer.body
        return answer.json

    def contacts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/api/v1.1/piis/{uid}?limit=2000&sort=id")["results"]
        return found

    def hidden(self, reason: str) -> str:
        found = [each["contactID"] for each in self.door("hidden") if each["reason"] == reason]
        assert found, f"the account has no contact that is {reason}"
        return found[0]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alpine_iq") / "generated.sqlite"
    store = Store(path)
    fill(store, build_account(SPEC))
    store.execute("pragma wal_checkpoint(truncate)")
    store.close()
    return path


@pytest.fixture
def serve(generated: Path, tmp_path: Path) -> Iterator[Callable[[Path], Account]]:
    """Serves a state file until the test ends."""
    ended: list[Callable[[], None]] = []

    def start(path: Path) -> Account:
        service = Service(Store(path))
        ready: list[Any] = []
        up = threading.Event()

        async def main() -> None:
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            port: asyncio.Future[int] = loop.create_future()
            serving = asyncio.create_task(run(service, 0, port, stop))
            ready.extend((await port, loop, stop))
            up.set()
            await serving

        thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
        thread.start()
        assert up.wait(10)

        def end() -> None:
            if thread.is_alive():
                ready[1].call_soon_threadsafe(ready[2].set)
                thread.join(10)

        ended.append(end)
        account = Account(f"http://127.0.0.1:{ready[0]}", service)
        account.stop = end  # type: ignore[attr-defined]
        return account

    yield start
    for end in ended:
        end()


@pytest.fixture
def account(serve: Callable[[Path], Account], generated: Path, tmp_path: Path) -> Account:
    """An account without rate limits."""
    path = tmp_path / "alpine_iq.sqlite"
    shutil.copyfile(generated, path)
    account = serve(path)
    account.door("config", {"limits": "off"})
    return account
