"""How fast both local services answer, and what memory they take: `python -m bench.sandbox`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.processes import peak_memory
from bench.rows import Row, main
from sandbox.core import Request
from sandbox.pipedrive.app import PipedriveSandbox

UNLIMITED = {"daily_budget": 10**12, "enforce_bursts": False}
FIELDS = 15
CONNECTIONS = 16
COUNT = 8_000


def in_process(state: Path, count: int) -> dict[str, float]:
    sandbox = PipedriveSandbox(state)
    headers = {"x-api-token": sandbox.account.token}

    def call(method: str, path: str, body: Any = None, **query: str) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        reply = sandbox.handle(Request(method, path, list(query.items()), headers, raw))
        if reply.status >= 400:
            raise SystemExit(reply.body.decode())
        return json.loads(reply.body)

    call("POST", "/_sandbox/config", UNLIMITED)
    body = person(
        [
            call("POST", "/api/v2/personFields", {"field_name": f"F{n}", "field_type": "varchar"})
            for n in range(FIELDS)
        ]
    )
    figures: dict[str, float] = {}
    started = time.process_time()
    for _ in range(count):
        call("POST", "/api/v2/persons", body)
    figures["post_person_per_cpu_second"] = round(count / (time.process_time() - started))
    started = time.process_time()
    for _ in range(count):
        call("GET", "/api/v2/persons", limit="10")
    figures["list_10_per_cpu_second"] = round(count / (time.process_time() - started))
    sandbox.close()
    return figures


def person(fields: list[Any]) -> dict[str, Any]:
    codes = [field["data"]["field_code"] for field in fields]
    return {
        "name": "Maya Ortiz",
        "emails": [{"value": "maya@example.com"}],
        "phones": [{"value": "+12065550143"}],
        "custom_fields": {code: f"value {code[:6]}" for code in codes},
    }


async def _worker(port: int, request: bytes, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise SystemExit(head.decode())
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
    writer.close()


def _load(port: int, request: bytes, count: int) -> float:
    async def together() -> None:
        each = count // CONNECTIONS
        await asyncio.gather(*(_worker(port, request, each) for _ in range(CONNECTIONS)))

    started = time.perf_counter()
    asyncio.run(together())
    return round(count / (time.perf_counter() - started))


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n"
        f"x-api-token: {token}\r\nx-apikey: {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _processor(pid: int) -> float:
    """Seconds of processor time that the server has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _served(side: str, state: Path, *options: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """A service as a process of its own: its number and the line it printed."""
    command = [sys.executable, "-m", f"sandbox.{side}", "--state", str(state), *options]
    root = Path(__file__).resolve().parents[1]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        yield server.pid, json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def _measured(
    pid: int, port: int, requests: dict[str, tuple[bytes, int]]
) -> Iterator[tuple[str, float]]:
    for name, (request, times) in requests.items():
        before = _processor(pid)
        yield f"{name}_per_second", _load(port, request, times)
        spent = max(_processor(pid) - before, 0.01)
        yield f"{name}_per_cpu_second", round(times / spent)


def pipedrive_over_http(state: Path, count: int, filled: int) -> dict[str, float]:
    with _served("pipedrive", state) as (pid, info):
        port, token = info["port"], info["api_token"]
        config = _request("POST", "/_sandbox/config", token, json.dumps(UNLIMITED).encode())
        _load(port, config, CONNECTIONS)
        figures: dict[str, float] = {}
        if filled:
            fill = json.dumps({"entity": "person", "count": filled // CONNECTIONS}).encode()
            started = time.perf_counter()
            _load(port, _request("POST", "/_sandbox/fill", token, fill), CONNECTIONS)
            figures["filled_persons"] = filled
            figures["fill_seconds"] = round(time.perf_counter() - started, 1)
        requests = {
            "post_person": (
                _request("POST", "/api/v2/persons", token, b'{"name":"Maya Ortiz"}'),
                count,
            ),
            "list_10": (_request("GET", "/api/v2/persons?limit=10", token), count),
            "list_500": (_request("GET", "/api/v2/persons?limit=500", token), CONNECTIONS * 8),
        }
        figures.update(_measured(pid, port, requests))
        figures["peak_memory_mib"] = peak_memory(pid)
        return figures


def alpine_iq_over_http(state: Path, count: int, personas: int) -> dict[str, float]:
    with _served("alpine_iq", state, "--personas", str(personas)) as (pid, info):
        port, key, uid = info["port"], info["api_key"], info["uid"]
        _load(port, _request("POST", "/_sandbox/config", key, b'{"limits":"off"}'), CONNECTIONS)
        base = f"http://127.0.0.1:{port}/_sandbox/dump?limit=1"
        with urllib.request.urlopen(base) as answer:
            contact = json.load(answer)[0]["contact"]["contactID"]
        path = f"/api/v1.1/piis/{uid}"
        requests = {
            "list_10": (_request("GET", f"{path}?limit=10&sort=id", key), count),
            "contact": (_request("GET", f"{path}/{contact}", key), count),
            "list_2000": (
                _request("GET", f"{path}?limit=2000&sort=id", key),
                CONNECTIONS * 4,
            ),
        }
        figures: dict[str, float] = {"personas": personas}
        figures.update(_measured(pid, port, requests))
        figures["peak_memory_mib"] = peak_memory(pid)
        return figures


def measure(size: int) -> Iterator[Row]:
    """Requests over HTTP at 16 connections, no limits enforced, with the size in persons held by
    the local Pipedrive and in contacts by the local Alpine IQ; a rate is of the wall, its baseline
    the same requests a second of the server's processor time (what one free core would serve).
    Peak memory is the server's."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        alone = in_process(room / "a.sqlite", COUNT)
        pipedrive = pipedrive_over_http(room / "b.sqlite", COUNT, size)
        alpine_iq = alpine_iq_over_http(room / "c.sqlite", COUNT, size)
    for name, rate in alone.items():
        yield Row(f"Pipedrive in process: {_words(name)}", rate, "a processor second")
    yield Row(f"Pipedrive: {size:,} persons filled in", pipedrive["fill_seconds"], "s")
    yield from _rates("Pipedrive", pipedrive)
    yield from _rates("Alpine IQ", alpine_iq)


def _rates(service: str, found: dict[str, float]) -> Iterator[Row]:
    for name, rate in found.items():
        if name.endswith("_per_second"):
            of_processor = found[name.replace("_per_second", "_per_cpu_second")]
            yield Row(
                *(f"{service}: {_words(name)}", rate, "a second"),
                *("a second of its processor time", of_processor),
            )
    yield Row(f"{service}: peak memory of the server", found["peak_memory_mib"], "MiB")


def _words(name: str) -> str:
    return name.split("_per_", maxsplit=1)[0].replace("_", " ")


if __name__ == "__main__":
    main(measure)
