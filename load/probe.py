"""Settles by trying what the API's documents leave open; on a trial account, never on a live one.

Each question writes a few records of its own, named so that anybody knows them, looks, and says a
word. Everything is deleted at the end, and what a killed probe left is deleted by the next: the
name of a probe is kept in a file before its first write. A question whose calls fail otherwise
than it expects stays open, with the reason. What only a full or overdrawn account would show (caps,
the body of a 429) is not asked.

Raises `AccessRefused` and `RetryLater`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from load.clock import RealClock
from load.costs import endpoint_name, token_cost
from load.errors import Ambiguous, NeverSent, RecordRejected, Rejected
from load.lists import pages
from load.provision import FIELD_LISTS
from load.run import Sender, Waits
from load.wanted import LABEL_CODE

NAME: Final = "Migration probe, may be deleted"
_NEWEST: Final[Mapping[str, str | int]] = {
    "sort_by": "id",
    "sort_direction": "desc",
    "limit": 500,
}
_RECORDS: Final = (
    ("/api/v2/deals", "title"),
    ("/api/v2/deals/archived", "title"),
    ("/api/v2/persons", "name"),
    ("/api/v2/products", "name"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """One open fact: `tokens` are the most that asking may cost."""

    fact: str
    what: str
    tokens: int
    ask: Callable[[Room], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Found:
    """An answer; empty if it stayed open, and then `why` says so."""

    fact: str
    answer: str
    why: str = ""


@dataclass(slots=True)
class Room:
    """What a question works with: calls priced by the cost table, records of its own."""

    client: Sender
    clock: Waits
    name: str

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Any:
        """The data of an answer."""
        cost = token_cost(endpoint_name(method, path))
        answer = await self.client.call(
            method, path, cost=cost, json=body, params=params, entity="probe"
        )
        return answer.data

    async def is_refused(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
    ) -> bool:
        """Whether a call is refused for what it holds."""
        try:
            await self.call(method, path, body, params)
        except Rejected:
            return True
        return False

    async def person(self, **more: Any) -> int:
        made = await self.call("POST", "/api/v2/persons", {"name": self.name, **more})
        return int(made["id"])

    async def deal(self, **more: Any) -> int:
        made = await self.call("POST", "/api/v2/deals", {"title": self.name, **more})
        return int(made["id"])

    async def product(self) -> int:
        made = await self.call("POST", "/api/v2/products", {"name": self.name})
        return int(made["id"])

    async def text_field(self) -> str:
        made = await self.call(
            "POST",
            FIELD_LISTS["person"] or "",
            {"field_name": self.name, "field_type": "varchar"},
        )
        return str(made["field_code"])


async def probe(
    client: Sender,
    clock: Waits,
    questions: Sequence[Question],
    *,
    kept_in: Path,
    told: Callable[[str], None],
) -> list[Found]:
    """Asks everything and clears away. `kept_in` holds the probe's name while it runs."""
    if left := _name_in(kept_in):
        await clear(client, left)
    name = f"{NAME} ({secrets.token_hex(4)})"
    _keep(kept_in, name)
    found = []
    for question in questions:
        found.append(await _asked(Room(client, clock, name), question))
        told(question.fact)
    await clear(client, name)
    _forget(kept_in)
    return found


def _name_in(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["name"]) if file.exists() else ""


def _keep(file: Path, name: str) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump({"name": name}, out)
        out.flush()
        os.fsync(out.fileno())


def _forget(file: Path) -> None:
    file.unlink()


async def _asked(room: Room, question: Question) -> Found:
    try:
        return Found(question.fact, await question.ask(room))
    except (RecordRejected, Ambiguous, NeverSent) as error:
        return Found(question.fact, "", str(error))


async def clear(client: Sender, name: str) -> None:
    """Deletes whatever bears the name of a probe: records, fields, labels, pipelines."""
    room = Room(client, _Never(), name)
    for path, column in _RECORDS:
        async for page in pages(
            client, path, _NEWEST, cost=token_cost(endpoint_name("GET", path)), entity="probe"
        ):
            for one in page:
                if one.get(column) == name:
                    base = path.removesuffix("/archived")
                    await room.is_refused("DELETE", f"{base}/{one['id']}")
            break
    for path in filter(None, FIELD_LISTS.values()):
        await _clear_fields(room, path)
    for one in await room.call("GET", "/api/v2/pipelines", params={"limit": 500}):
        if one["name"] == name and not one.get("is_deleted"):
            await room.is_refused("DELETE", f"/api/v2/pipelines/{one['id']}")


async def _clear_fields(room: Room, path: str) -> None:
    async for page in pages(room.client, path, {"limit": 500}, cost=10, entity="probe"):
        for one in page:
            labels = [
                {"id": option["id"]}
                for option in one.get("options") or []
                if option["label"] == room.name
            ]
            if one["field_name"] == room.name and one["is_custom_field"]:
                await room.is_refused("DELETE", f"{path}/{one['field_code']}")
            elif one["field_code"] == LABEL_CODE and labels:
                await room.is_refused("DELETE", f"{path}/{LABEL_CODE}/options", labels)


CLEARING: Final = 2 * (10 + 20 + 10 + 10 + 4 * 10 + 5)


class _Never(RealClock):
    """Clearing away waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)
