"""What the sandbox was asked: one line per call, totals by endpoint, and whole exchanges on wish.

Lines are buffered and written in batches; totals are kept in memory and saved with each batch.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from sandbox.core import Reply, Request
from sandbox.pipedrive.store import Store

BATCH: Final = 512
Line = tuple[float, str, str, int, int, str | None]


class Journal:
    """The log of calls."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lines: list[Line] = []
        self.crashes = 0
        self.reload()

    def reload(self) -> None:
        saved = self._store.meta("totals") or {}
        self.totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0], saved)
        self._lines.clear()

    def add(
        self, at: float, method: str, path: str, *, status: int, tokens: int, fault: str | None
    ) -> None:
        self._lines.append((at, method, path, status, tokens, fault))
        total = self.totals[f"{method} {path}"]
        total[0] += 1
        total[1] += tokens
        total[2] += status >= 400
        if len(self._lines) >= BATCH:
            self.flush()

    def flush(self) -> bool:
        """Writes what is buffered; says whether there was anything."""
        if not self._lines:
            return False
        lines, self._lines = self._lines, []
        self._store.begin()
        self._store.execute_many(
            "INSERT INTO call_log (at, method, path, status, tokens, fault) VALUES (?,?,?,?,?,?)",
            lines,
        )
        self._store.set_meta("totals", dict(self.totals))
        self._store.commit()
        return True

    def record(self, request: Request, reply: Reply) -> None:
        query = "&".join(f"{name}={value}" for name, value in request.query)
        kind = reply.headers.get("content-type", "")
        self._store.execute(
            "INSERT INTO exchange (method, path, query, request, status, content_type, reply) "
            "VALUES (?,?,?,?,?,?,?)",
            (request.method, request.path, query, request.body, reply.status, kind, reply.body),
        )

    def lines(self, after: int, limit: int) -> list[dict[str, Any]]:
        self.flush()
        names = ("seq", "at", "method", "path", "status", "tokens", "fault")
        found = self._store.execute(
            f"SELECT {','.join(names)} FROM call_log WHERE seq>? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        return [dict(zip(names, line, strict=True)) for line in found]

    def exchanges(self, after: int, limit: int) -> list[dict[str, Any]]:
        names = ("seq", "method", "path", "query", "request", "status", "content_type", "reply")
        found = self._store.execute(
            f"SELECT {','.join(names)} FROM exchange WHERE seq>? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        return [
            {
                name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                for name, value in zip(names, line, strict=True)
            }
            for line in found
        ]

    def by_endpoint(self) -> dict[str, dict[str, int]]:
        return {
            name: {"calls": calls, "tokens": tokens, "refused": refused}
            for name, (calls, tokens, refused) in sorted(self.totals.items())
        }
