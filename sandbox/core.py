"""What both sandboxes share: a request, a reply, a fault of the wire, a clock.

A sandbox is a plain object with `handle(request) -> reply`. It knows no sockets, so the same
object answers real HTTP behind `sandbox.server` and direct calls in a simulation.

Units: times are seconds since 1970-01-01 UTC as float; bodies are bytes.
Raises nothing of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

JSON_HEADERS = {"content-type": "application/json; charset=utf-8"}
HTML_HEADERS = {"content-type": "text/html; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is decoded and has no query; header names are lower case."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong on the wire. Whether the server acted was already decided in `handle`."""

    name: str
    delay_seconds: float = 0.0
    drop_connection: bool = False
    truncate_to: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. `fault` tells the adapter to delay it, cut it or drop it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    body: bytes = b""
    fault: Fault | None = None


class Clock(Protocol):
    """Gives the time of the simulated service."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""


class Sandbox(Protocol):
    """A simulated service."""

    def handle(self, request: Request) -> Reply:
        """Answers one request; never raises."""


@dataclass(slots=True)
class MovableClock:
    """The machine's time plus an offset that tests move; `frozen_at` stops it altogether."""

    offset: float = 0.0
    frozen_at: float | None = None

    def now(self) -> float:
        base = time.time() if self.frozen_at is None else self.frozen_at
        return base + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body is `value` as JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, {**JSON_HEADERS, **(headers or {})}, body)
