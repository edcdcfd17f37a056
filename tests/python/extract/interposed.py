"""A server between an extraction and a simulated service that alters answers on their way."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT = ("content-type", "retry-after")


@dataclass
class Interposed:
    """`alter` gets path, answer and headers (to change in place), gives the answer to pass on."""

    base_url: str
    behind: str
    alter: Callable[[str, bytes, dict[str, str]], bytes] = lambda _path, body, _headers: body
    asked: list[str] = field(default_factory=list)


@contextmanager
def interposed(behind: str) -> Iterator[Interposed]:
    """Forwards every call to the service at `behind`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    between = Interposed(f"http://127.0.0.1:{server.server_port}", behind)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Silence."""

        def do_GET(self) -> None:
            between.asked.append(self.path)
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(behind + self.path, headers=sent)  # noqa: S310
            try:
                answer = urllib.request.urlopen(request, timeout=30)  # noqa: S310 - loopback
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                body = answer.read()
                headers = {k: v for k, v in answer.headers.items() if k.lower() in KEPT}
            body = between.alter(self.path, body, headers)
            self.send_response(answer.status or 200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield between
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def sink() -> Iterator[tuple[int, list[str]]]:
    """A server that notes whoever speaks to it: its port and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Silence."""

        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers}")
            self.send_response(404)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
