"""Reading the target in lists: newest first down to a mark, by ids, by deals. Never by search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from load.phases import ARCHIVED, ARCHIVED_COST, Phase
from load.run import Sender

_AT_ONCE: Final = 100
_NOTHING: Final[Mapping[str, str | int]] = {}


async def pages(
    client: Sender, path: str, params: Mapping[str, str | int], *, cost: int, entity: str
) -> AsyncIterator[list[dict[str, Any]]]:
    """The pages of a list of either API version, to the end."""
    asked = dict(params)
    while True:
        answer = await client.call("GET", path, cost=cost, params=asked, entity=entity)
        yield answer.data or []
        cursor = answer.additional.get("next_cursor")
        start = (answer.additional.get("pagination") or {}).get("next_start")
        if cursor:
            asked = {**params, "cursor": cursor}
        elif start:
            asked = {**params, "start": start}
        else:
            return


async def newest_down_to(
    client: Sender,
    path: str,
    params: Mapping[str, str | int],
    *,
    mark: int,
    cost: int,
    entity: str,
) -> list[dict[str, Any]]:
    """All records with an id above `mark`; ids only grow, so that is where new ones are."""
    found: list[dict[str, Any]] = []
    async for page in pages(client, path, params, cost=cost, entity=entity):
        found += [record for record in page if record["id"] > mark]
        if any(record["id"] <= mark for record in page):
            break
    return found


async def lines_of_deals(
    client: Sender, phase: Phase, deal_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """The lines of these deals, a hundred deals a call."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(deal_ids), _AT_ONCE):
        chunk = ",".join(str(deal_id) for deal_id in deal_ids[start : start + _AT_ONCE])
        params: dict[str, str | int] = {"deal_ids": chunk, "limit": 500}
        async for page in pages(
            client, phase.list_path, params, cost=phase.list_cost, entity=phase.entity
        ):
            found += page
    return found


async def by_ids(
    client: Sender,
    phase: Phase,
    ids: Sequence[int],
    *,
    asking: Mapping[str, str | int] = _NOTHING,
    is_archived: bool = False,
) -> dict[int, dict[str, Any]]:
    """Records by id, a hundred a call; deleted ones are missing, and archived deals are only in a
    list of their own. `asking`: parameters beside the ids."""
    path, cost = (ARCHIVED, ARCHIVED_COST) if is_archived else (phase.list_path, phase.list_cost)
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        chunk = ",".join(str(one) for one in ids[start : start + _AT_ONCE])
        params = {**asking, "ids": chunk, "limit": _AT_ONCE}
        answer = await client.call("GET", path, cost=cost, params=params, entity=phase.entity)
        found |= {record["id"]: record for record in answer.data or []}
    return found
