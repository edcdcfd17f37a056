"""The network between loader and company: latency, loss, late arrival, nonsense, and crashes.

A request that has left arrives even if the loader dies. Faults are those of `simulation.schedule`.
A crash is the exception `Crash`: it ends the run, and from then on the wire and the ledger of
that run are dead, so that nothing of it lives on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import httpx

from sandbox.core import HTML_HEADERS, JSON_HEADERS, Reply, Request
from simulation.company import Company, kind_of
from simulation.schedule import CRASHES, Dice
from simulation.timeline import Timeline

SETTLE: Final = 60.0
READ_TIMEOUT: Final = 30.0
_PAGE: Final = b"<!DOCTYPE html><html><body>Maintenance</body></html>"


class Crash(BaseException):
    """The process is killed here."""


class Wire:
    """All traffic of one simulated world, across the loader's processes."""

    def __init__(self, company: Company, dice: Dice, timeline: Timeline, seed: int) -> None:
        self.company = company
        self.timeline = timeline
        self.calls = 0
        self.faults: Counter[str] = Counter()
        # numbers of the calls to which something can happen
        self.open_calls: list[int] = []
        self.on_call: Callable[[int], None] = lambda _number: None
        self.trace = hashlib.sha256()
        self.in_flight = 0
        self.is_calm = False
        self._dice = dice
        self._latency = random.Random(f"latency {seed}")

    def send(self, request: Request, fault: str | None) -> asyncio.Future[Reply]:
        """The request leaves. It arrives whatever becomes of the sender."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        basis = self.company.basis_of(request.path)
        self.in_flight += 1
        left = (basis, self.timeline.stamp())
        loop.call_later(self._way(fault), self._arrive, request, fault, left, answer)
        return answer

    def next_fault(self, request: Request) -> str | None:
        """Counts the call and says what happens to it."""
        self.calls += 1
        self.on_call(self.calls)
        if self.is_calm:
            return None
        self.open_calls.append(self.calls)
        self.timeline.set_by += self._dice.clock_is_set_by(self.calls)
        fault = self._dice.fault(self.calls, is_read=request.method == "GET")
        if fault == "late_beyond" and kind_of(request.path) is None:
            # a field made twice stops the loader: an operator renames one, the story has none
            fault = "late"
        if fault is not None:
            self.faults[fault] += 1
        return fault

    def back(self) -> float:
        """Seconds that an answer needs."""
        return self._latency.uniform(0.01, 0.15)

    def note(self, *what: object) -> None:
        """Adds to the trace, by which two runs are compared."""
        self.trace.update(f"{self.timeline.seconds:.6f} {what}\n".encode())

    def _way(self, fault: str | None) -> float:
        first = self._latency.uniform(0.01, 0.15)
        if fault == "late":
            return first + self._latency.uniform(0.0, SETTLE)
        if fault == "late_timeout":
            return READ_TIMEOUT + self._latency.uniform(0.0, SETTLE)
        if fault == "late_beyond":
            return SETTLE + self._latency.uniform(20.0, 3000.0)
        return first

    def _arrive(
        self,
        request: Request,
        fault: str | None,
        left: tuple[float | None, float],
        answer: asyncio.Future[Reply],
    ) -> None:
        self.in_flight -= 1
        at = self.timeline.stamp()
        reply = early(fault) or self.company.deliver(request, basis=left[0], sent_at=left[1])
        self.note(request.method, request.path, request.query, digest(request.body), reply.status)
        if fault in (None, "no_id") and 200 <= reply.status < 300:
            data = json.loads(reply.body).get("data")
            # a list comes through whole: there is no id of its own to leave out
            if fault is None or isinstance(data, list):
                self.company.read_by_us(request.path, data, at)
        if not answer.done():
            answer.set_result(reply)


class Transport(httpx.AsyncBaseTransport):
    """One process's end of the wire."""

    def __init__(self, wire: Wire, die: Callable[[], Crash]) -> None:
        self._wire = wire
        self._die = die
        self.is_dead = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_dead:
            raise self._die()
        asked = Request(
            request.method,
            request.url.path,
            list(request.url.params.multi_items()),
            {name.lower(): value for name, value in request.headers.items()},
            await request.aread(),
        )
        fault = self._wire.next_fault(asked)
        self._wire.note("leaves", asked.method, asked.path, fault)
        if fault == "crash_unsent":
            raise self._die()
        if fault == "never_sent":
            raise httpx.ConnectError("refused", request=request)
        answer = self._wire.send(asked, fault if fault not in CRASHES else None)
        if fault == "crash_sent":
            raise self._die()
        reply = await self._answer(request, answer, fault)
        if fault == "crash_answered":
            raise self._die()
        reply = spoiled(fault, reply)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

    async def _answer(
        self, request: httpx.Request, answer: asyncio.Future[Reply], fault: str | None
    ) -> Reply:
        if fault in ("late_timeout", "late_beyond"):
            await asyncio.sleep(READ_TIMEOUT)
            raise httpx.ReadTimeout("no answer", request=request)
        if fault == "late":
            await asyncio.sleep(self._wire.back())
            raise httpx.ReadError("reset", request=request)
        reply = await answer
        await asyncio.sleep(self._wire.back())
        if fault in ("lost_before", "lost_after"):
            raise httpx.ReadError("reset", request=request)
        if fault == "truncated":
            raise httpx.RemoteProtocolError("peer closed", request=request)
        return reply


def early(fault: str | None) -> Reply | None:
    """The answer to a request on which the company never acts."""
    if fault == "lost_before":
        return Reply(503)
    if fault in ("error_500_before", "error_503_before"):
        return Reply(int(fault.split("_")[1]), HTML_HEADERS, _PAGE)
    if fault == "too_many":
        return Reply(429, {**JSON_HEADERS, "retry-after": "2"}, b'{"success":false}')
    return Reply(403, HTML_HEADERS, _PAGE) if fault == "blocked" else None


def spoiled(fault: str | None, reply: Reply) -> Reply:
    """What arrives of an answer."""
    if fault in ("error_502_after", "error_408_after"):
        return Reply(int(fault.split("_")[1]), HTML_HEADERS, _PAGE)
    if fault == "empty":
        return Reply(reply.status, reply.headers, b"")
    if fault == "html":
        return Reply(200, HTML_HEADERS, _PAGE)
    if fault in ("not_success", "no_id") and reply.status < 300:
        body = json.loads(reply.body)
        if fault == "not_success":
            body["success"] = False
        elif isinstance(body.get("data"), dict):
            body["data"].pop("id", None)
        return Reply(reply.status, reply.headers, json.dumps(body).encode())
    return reply


def digest(body: bytes) -> str:
    """A short digest of a body."""
    return hashlib.sha256(body).hexdigest()[:16]
