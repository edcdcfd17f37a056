"""A simulated account, and a scripted server for answers that no well-behaved service gives."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from extract.alpine_iq.calls import CallPlan

from .sandboxed import BOTH, SCALE, LandedWithBoth, Simulated


@dataclass
class Said:
    """One scripted answer; `body` longer than `length` is cut there, with the length promised."""

    status: int = 200
    body: bytes = b'{"data":null,"code":200,"success":true}'
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None


@dataclass
class Scripted:
    """A running server: what to say next, and what it was asked."""

    base_url: str
    script: list[Said] = field(default_factory=list)
    answer: Callable[[str], Said] | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def say(self, *answers: Said) -> None:
        self.script.extend(answers)

    def next_answer(self, path: str) -> Said:
        if self.answer is not None:
            return self.answer(path)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@pytest.fixture
def service() -> Iterator[Scripted]:
    scripted = Scripted("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Silence."""

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            scripted.asked.append((self.command, self.path, headers))
            said = scripted.next_answer(self.path)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body[: said.cut_at])
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    scripted.base_url = f"http://127.0.0.1:{server.server_port}"
    yield scripted
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """One simulated account for the session, as it was made."""
    folder = tmp_path_factory.mktemp("alpine_iq")
    command = [
        sys.executable,
        *("-m", "sandbox.alpine_iq", "--state", str(folder / "state.sqlite"), "--port", "0"),
        *("--personas", "40", "--seed", "7", "--window-scale", str(SCALE)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        made = Simulated(told["base_url"], told["uid"], told["api_key"])
        made.post("snapshot", {})
        yield made
        process.terminate()


@pytest.fixture
def simulated(simulator: Simulated) -> Simulated:
    """The simulated account, reset: no faults, no edits, an empty log."""
    simulator.post("reset", {})
    simulator.post("faults", {"rules": []})
    return simulator


@pytest.fixture(scope="session")
def landed_with_both(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> LandedWithBoth:
    """One extraction of all that can be asked for about a contact. Tests copy the folder."""
    simulator.post("reset", {})
    simulator.post("faults", {"rules": []})
    folder = tmp_path_factory.mktemp("landed_with_both") / "data"
    plans: list[CallPlan] = []
    result = simulator.extract(folder, on_plan=plans.append, **BOTH)
    return LandedWithBoth(folder, result, plans[0], simulator.log())
