"""A TCP proxy in front of one server that cuts a connection after a chosen byte.

    python cutting_proxy.py PORT_OF_THE_SERVER

First line out: its own port. Then one line in, one line out, both JSON:

    {"cuts": [{"begins": "POST /api/v2/persons ", "side": "request", "after": 17, "reset": true}]}

arms it: the n-th cut waits for the n-th exchange that begins so, lets `after` bytes of that side
pass and ends both connections, the client's by reset if asked for. The answer to
`{"report": true}` is the cuts that were made and, for each armed `begins`, how many bytes its
first exchange had on each side.
An exchange begins with the first byte that a client sends after a byte of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Cut:
    begins: bytes
    side: str
    after: int
    reset: bool
    is_made: bool = False


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as far as they passed."""

    first: bytes = b""
    request: int = 0
    response: int = 0
    cut: Cut | None = None


@dataclass(slots=True)
class Proxy:
    port: int
    cuts: list[Cut] = field(default_factory=list)
    seen: list[Exchange] = field(default_factory=list)

    def arm(self, cuts: list[dict[str, Any]]) -> None:
        self.seen = []
        self.cuts = [
            Cut(one["begins"].encode(), one["side"], one["after"], one.get("reset", False))
            for one in cuts
        ]

    def report(self) -> dict[str, Any]:
        sizes = {
            cut.begins.decode(): next(
                ([one.request, one.response] for one in self.seen if one.cut is cut), None
            )
            for cut in self.cuts
        }
        return {"made": [one.is_made for one in self.cuts], "sizes": sizes}

    async def serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        line = Line(self, back, to_server)
        tasks = [
            asyncio.ensure_future(line.pump(client, to_server, "request")),
            asyncio.ensure_future(line.pump(server, back, "response")),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (back, to_server):
            with contextlib.suppress(OSError):
                writer.close()


@dataclass(slots=True)
class Line:
    """One client's connection and its other half."""

    proxy: Proxy
    to_client: asyncio.StreamWriter
    to_server: asyncio.StreamWriter
    exchange: Exchange = field(default_factory=Exchange)

    async def pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, side: str
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if side == "request":
                    self._begin(data)
                passed = self.exchange.request if side == "request" else self.exchange.response
                cut = self.exchange.cut
                if cut and cut.side == side and passed + len(data) >= cut.after:
                    sink.write(data[: cut.after - passed])
                    await sink.drain()
                    self._end(cut)
                    return
                sink.write(data)
                await sink.drain()
                if side == "request":
                    self.exchange.request += len(data)
                else:
                    self.exchange.response += len(data)

    def _begin(self, data: bytes) -> None:
        if self.exchange.request and not self.exchange.response:
            return
        self.exchange = Exchange(data[:100])
        for cut in self.proxy.cuts:
            waits = not any(one.cut is cut for one in self.proxy.seen)
            if waits and data.startswith(cut.begins):
                self.exchange.cut = cut
                break
        self.proxy.seen.append(self.exchange)

    def _end(self, cut: Cut) -> None:
        cut.is_made = True
        if cut.reset:
            place: socket.socket = self.to_client.get_extra_info("socket")
            place.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # the server is never reset: it would forget bytes that had reached it
        for writer in (self.to_client, self.to_server):
            writer.close()


async def main(port: int) -> None:
    proxy = Proxy(port)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{listening.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while order := await orders.readline():
        asked = json.loads(order)
        if "cuts" in asked:
            proxy.arm(asked["cuts"])
        sys.stdout.write(json.dumps(proxy.report()) + "\n")
        sys.stdout.flush()
    listening.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
