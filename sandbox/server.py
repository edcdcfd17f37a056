"""Real HTTP for a sandbox: an aiohttp adapter that also plays the faults of the wire.

One process, one thread; `handle` runs to its end before the next call, so a sandbox needs no
locks of its own. A body above the cap answers 413. Delays are in seconds. `serve` prints one
JSON line when it is ready and returns after SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any, Final, Protocol

from aiohttp import web

from sandbox.core import Reply, Request

LARGEST_BODY: Final = 64 * 1024 * 1024
TICK_SECONDS: Final = 0.05
BACKLOG: Final = 2048


class Served(Protocol):
    """A sandbox that also does work between calls and closes its state."""

    def handle(self, request: Request) -> Reply: ...

    def tick(self) -> None:
        """Applies what is due and writes what is buffered."""

    def close(self) -> None: ...


class Adapter:
    """Turns aiohttp requests into ours and plays our replies."""

    def __init__(self, sandbox: Served, largest_body: int = LARGEST_BODY) -> None:
        self._sandbox = sandbox
        self._largest_body = largest_body

    async def __call__(self, raw: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await self._body(raw)
        except ValueError:
            return web.Response(status=413, text="Request Entity Too Large")
        reply = self._sandbox.handle(
            Request(
                method=raw.method,
                path=raw.path,
                query=list(raw.query.items()),
                headers={name.lower(): value for name, value in raw.headers.items()},
                body=body,
            )
        )
        if reply.fault is None:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        return await self._faulty(raw, reply)

    async def _body(self, raw: web.BaseRequest) -> bytes:
        if not raw.can_read_body:
            return b""
        if (raw.content_length or 0) > self._largest_body:
            msg = "body above the cap"
            raise ValueError(msg)
        parts: list[bytes] = []
        size = 0
        async for part in raw.content.iter_any():
            size += len(part)
            if size > self._largest_body:
                msg = "body above the cap"
                raise ValueError(msg)
            parts.append(part)
        return b"".join(parts)

    @staticmethod
    async def _faulty(raw: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        fault = reply.fault
        if fault is not None and fault.delay_seconds > 0:
            await asyncio.sleep(fault.delay_seconds)
        if fault is not None and fault.drop_connection:
            if raw.transport is not None:
                raw.transport.abort()
            return web.Response(status=499)
        if fault is not None and fault.truncate_to is not None:
            response = web.StreamResponse(status=reply.status, headers=reply.headers)
            response.content_length = len(reply.body)
            await response.prepare(raw)
            await response.write(reply.body[: fault.truncate_to])
            if raw.transport is not None:
                raw.transport.close()
            return response
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


async def _tick_forever(sandbox: Served) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        sandbox.tick()


async def run(
    sandbox: Served, port: int, ready: asyncio.Future[int], stop: asyncio.Event | None = None
) -> None:
    """Serves on 127.0.0.1 until `stop` is set; `ready` gets the port."""
    stop = stop or asyncio.Event()
    server = web.Server(Adapter(sandbox), access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG)
    await site.start()
    ticking = asyncio.create_task(_tick_forever(sandbox))
    sockets = site._server.sockets if site._server is not None else ()  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to learn a port chosen by the system
    ready.set_result(next(iter(sockets)).getsockname()[1])
    try:
        await stop.wait()
    finally:
        ticking.cancel()
        await runner.cleanup()
        sandbox.close()


async def _serve(sandbox: Served, port: int, about: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    ready: asyncio.Future[int] = loop.create_future()
    serving = asyncio.create_task(run(sandbox, port, ready, stop))
    ready.add_done_callback(lambda bound: _announce(bound.result(), about))
    await serving


def _announce(port: int, about: dict[str, Any]) -> None:
    line = {"port": port, "base_url": f"http://127.0.0.1:{port}", **about}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def serve(sandbox: Served, port: int, about: dict[str, Any]) -> None:
    """Runs until a signal comes; the line printed at start carries `about` too."""
    asyncio.run(_serve(sandbox, port, about))
