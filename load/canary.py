"""One person and one won deal go ahead: written, read back, watched, compared, deleted.

What happens to them happens to all: an automation, a webhook or another tool that changes what it
did not make shows within the watch. They carry no address, so that nobody can be written to, and
a name that says what they are. 20 tokens; 26 with the archived deal.

A canary that was interrupted is found by its name and deleted by the next one. Raises `RetryLater`
for limits and `ConfigError` for refused access; everything else is said by the text it gives.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from load.errors import Ambiguous, NeverSent, RecordRejected
from load.ledger.store import Ledger
from load.lists import pages
from load.payload import canonical
from load.run import Sender, Waits

NAME: Final = "Migration check, may be deleted"
STARTED: Final = "canary started"
ENDED: Final = "canary ended"
_PERSONS: Final = "/api/v2/persons"
_DEALS: Final = "/api/v2/deals"
_NEWEST: Final[Mapping[str, str | int]] = {
    "sort_by": "id",
    "sort_direction": "desc",
    "limit": 500,
}
# what hangs on a record: an automation's tasks and notes, a tool's files
_COUNTERS: Final = "activities_count,notes_count,files_count"
_WRITE, _READ, _LIST, _DELETE = 5, 1, 10, 3


async def send_canary(
    client: Sender,
    ledger: Ledger,
    clock: Waits,
    *,
    stage_id: int,
    watch_seconds: float,
    with_archived: bool,
) -> str:
    """Runs one canary. Gives what went wrong, or an empty text."""
    if nonce := unfinished(ledger):
        await _remove_left_over(client, ledger, nonce)
    nonce = secrets.token_hex(4)
    ledger.event(STARTED, {"name": nonce})
    try:
        wrong, made = await _fly(
            client, clock, _name(nonce), stage_id, watch_seconds, with_archived=with_archived
        )
        for path, record_id in reversed(made):
            await client.call("DELETE", f"{path}/{record_id}", cost=_DELETE, entity="canary")
    except (RecordRejected, Ambiguous, NeverSent) as error:
        return f"{error}; what it left is deleted by the next preflight"
    ledger.event(ENDED, {"name": nonce, "green": not wrong})
    return wrong


def unfinished(ledger: Ledger) -> str:
    """The name of a canary that was started and never seen to its end."""
    row = ledger.db.execute(
        "select what, detail from events where what in (?, ?) order by seq desc limit 1",
        (STARTED, ENDED),
    ).fetchone()
    return str(json.loads(row["detail"])["name"]) if row and row["what"] == STARTED else ""


def last_green(ledger: Ledger) -> str:
    """When a canary last came back unharmed; empty if the last one did not, or there was none."""
    row = ledger.db.execute(
        "select at, detail from events where what = ? order by seq desc limit 1", (ENDED,)
    ).fetchone()
    return str(row["at"]) if row and json.loads(row["detail"])["green"] else ""


def _name(nonce: str) -> str:
    return f"{NAME} ({nonce})"


async def _fly(
    client: Sender,
    clock: Waits,
    name: str,
    stage_id: int,
    watch_seconds: float,
    *,
    with_archived: bool,
) -> tuple[str, list[tuple[str, int]]]:
    person: dict[str, Any] = {"name": name}
    deal: dict[str, Any] = {
        "title": name,
        "value": 0,
        "currency": "USD",
        "status": "won",
        "stage_id": stage_id,
    }
    shown = [await _create(client, _PERSONS, person)]
    deal["person_id"] = shown[0]["id"]
    shown.append(await _create(client, _DEALS, deal))
    made = [(path, int(one["id"])) for path, one in zip((_PERSONS, _DEALS), shown, strict=True)]
    before = [await _read(client, path, record_id) for path, record_id in made]
    wrong = [
        f"{column} of the {path.rsplit('/', 1)[1][:-1]} is not what was sent"
        for (path, _), sent, found in zip(made, (person, deal), before, strict=True)
        for column, value in sent.items()
        if canonical(column, found.get(column)) != canonical(column, value)
    ]
    for (path, _), answer, found in zip(made, shown, before, strict=True):
        then = {name: value for name, value in found.items() if name in answer}
        # the deal counts as a change of its person
        wrong += _differences(path, answer | {"update_time": then.get("update_time")}, then)
    await clock.sleep(watch_seconds)
    for (path, record_id), first in zip(made, before, strict=True):
        wrong += _differences(path, first, await _read(client, path, record_id))
    if with_archived:
        wrong += await _archive(client, made[1][1])
    return "; ".join(wrong), made


async def _create(client: Sender, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer = await client.call("POST", path, cost=_WRITE, json=body, entity="canary")
    return dict(answer.data)


async def _read(client: Sender, path: str, record_id: int) -> dict[str, Any]:
    answer = await client.call(
        "GET",
        f"{path}/{record_id}",
        cost=_READ,
        params={"include_fields": _COUNTERS},
        entity="canary",
    )
    return dict(answer.data)


def _differences(path: str, first: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Columns that somebody else wrote, and what was hung on the record."""
    entity = path.rsplit("/", 1)[1][:-1]
    changed = sorted(
        column for column in first.keys() | then.keys() if first.get(column) != then.get(column)
    )
    hung = [name for name in _COUNTERS.split(",") if then.get(name) and name not in changed]
    return [f"{column} of the {entity} was changed by others" for column in [*changed, *hung]]


async def _archive(client: Sender, deal_id: int) -> list[str]:
    path = f"{_DEALS}/{deal_id}"
    await client.call("PATCH", path, cost=_WRITE, json={"is_archived": True}, entity="canary")
    found = await _read(client, _DEALS, deal_id)
    return [] if found.get("is_archived") else ["the deal could not be archived"]


async def _remove_left_over(client: Sender, ledger: Ledger, nonce: str) -> None:
    """Deletes what an interrupted canary left; it is among the newest records."""
    for path, column in ((_DEALS, "title"), (_PERSONS, "name")):
        async for page in pages(client, path, _NEWEST, cost=_LIST, entity="canary"):
            for one in page:
                if one.get(column) == _name(nonce):
                    await client.call(
                        "DELETE", f"{path}/{one['id']}", cost=_DELETE, entity="canary"
                    )
            break
    ledger.event(ENDED, {"name": nonce, "green": False})
