"""Whole lists, page by page. Cursors are opaque, tied to their query and never kept.

A page shorter than `limit` is not the end; only a missing cursor (v2) or the word of
`more_items_in_collection` (v1) is. Raises `RetryLater` for a list that repeats a cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from load.api.calls import Caller, Query, Record, call, many
from load.errors import RetryLater
from load.outcomes import Answer

PAGE: Final = 500
IDS_PER_CALL: Final = 100
FILES_PER_PAGE: Final = 100
BY_ID: Final[Query] = {"limit": PAGE, "sort_by": "id", "sort_direction": "asc"}


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one answer; `raw` is the JSON text of the list as it came."""

    records: list[Record]
    request: str
    raw: bytes = field(repr=False)


def page_of(answer: Answer, endpoint: str, params: Query) -> Page:
    """The page of an answer, with path and query that gave it."""
    path = endpoint.split(" ", 1)[1]
    query = urlencode(params, safe=",")
    return Page(many(answer), f"{path}?{query}" if query else path, answer.raw)


async def pages_v2(
    caller: Caller, endpoint: str, *, params: Query, entity: str
) -> AsyncIterator[Page]:
    """Follows `next_cursor` to the end."""
    cursor: str | None = None
    followed: set[str] = set()
    while True:
        asked = params if cursor is None else {**params, "cursor": cursor}
        answer = await call(caller, endpoint, params=asked, entity=entity)
        yield page_of(answer, endpoint, asked)
        following = answer.additional.get("next_cursor")
        if not following:
            return
        cursor = str(following)
        if cursor in followed:
            raise RetryLater(f"{endpoint}: the list does not move on; read it again later")
        followed.add(cursor)


async def pages_v1(
    caller: Caller, endpoint: str, *, params: Query, entity: str
) -> AsyncIterator[Page]:
    """Follows `start` to the end."""
    start = 0
    while True:
        asked: Query = {"limit": PAGE, **params, "start": start}
        answer = await call(caller, endpoint, params=asked, entity=entity)
        yield page_of(answer, endpoint, asked)
        pagination = answer.additional.get("pagination") or {}
        following = pagination.get("next_start")
        if not pagination.get("more_items_in_collection") or following is None:
            return
        if int(following) <= start:
            raise RetryLater(f"{endpoint}: the list does not move on; read it again later")
        start = int(following)
