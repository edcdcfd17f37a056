"""Everything an account holds, as rows for the raw tables. Reads only.

    RawRow    key, JSON text as it came, what was asked
    Account   one client in an event loop of its own, driven page by page, so that dlt can iterate
              over it and no more than a few pages are in memory at a time

Deals come from two lists (live and archived); their ids are kept, 8 bytes each, because lines can
only be asked for by deal: 100 deals a call, eight calls at a time.
Raises what `load.client` raises.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from load import api
from load.api import Page
from load.client import PipedriveClient

LINE_CALLS_AT_ONCE: Final = 8
DEALS_PER_LINE_CALL: Final = 100

_LIST_OF_TEXTS: Final = msgspec.json.Decoder(list[msgspec.Raw] | None)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record of the account."""

    record_key: str
    payload: bytes = field(repr=False)
    request: str


Rows = list[RawRow]


class Seen:
    """Keys of one reading. A page can come twice, and a record can move to a later page or, when
    a deal is archived meanwhile, to another list: it lands once, as it was first seen.

    Ids come in ascending order and take eight bytes each; what is no id is kept as text.
    """

    def __init__(self) -> None:
        self.ids = array("q")
        self._texts: set[str] = set()

    def fresh(self, rows: Rows) -> Rows:
        """The rows that were not there before."""
        return [row for row in rows if self._is_new(row.record_key)]

    def _is_new(self, key: str) -> bool:
        if not key.isdecimal():
            is_new = key not in self._texts
            self._texts.add(key)
            return is_new
        place = bisect_left(self.ids, int(key))
        if place < len(self.ids) and self.ids[place] == int(key):
            return False
        self.ids.insert(place, int(key))
        return True


class Account:
    """What one token can see. A context manager; not for use inside a running event loop."""

    def __init__(
        self, client: PipedriveClient, *, activities: bool = False, files: bool = False
    ) -> None:
        self.client = client
        self._reads_activities = activities
        self._reads_files = files
        self._loop = asyncio.Runner()
        self._deal_ids = array("q")

    def __enter__(self) -> Self:
        self._loop.run(self.client.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run(self.client.__aexit__(kind, error, trace))
        self._loop.close()

    def tables(self) -> dict[str, Callable[[], Iterator[Rows]]]:
        """The raw tables in the order in which they must be read."""
        return {
            "users": self._users,
            "pipelines": lambda: self._rows(api.list_pipelines(self.client)),
            "stages": lambda: self._rows(api.list_stages(self.client)),
            "organization_fields": lambda: self._fields("organizationFields"),
            "person_fields": lambda: self._fields("personFields"),
            "deal_fields": lambda: self._fields("dealFields"),
            "product_fields": lambda: self._fields("productFields"),
            "organizations": lambda: self._rows(api.list_records(self.client, "organizations")),
            "persons": lambda: self._rows(api.list_records(self.client, "persons")),
            "products": lambda: self._rows(api.list_records(self.client, "products")),
            "deals": self._deals,
            "deal_products": self._lines,
            "notes": lambda: self._rows(api.list_notes(self.client)),
            "activities": self._activities,
            "files": self._files,
        }

    def _activities(self) -> Iterator[Rows]:
        if self._reads_activities:
            yield from self._rows(api.list_records(self.client, "activities"))

    def _files(self) -> Iterator[Rows]:
        if self._reads_files:
            yield from self._rows(api.list_files(self.client))

    def _users(self) -> Iterator[Rows]:
        yield rows_of(self._loop.run(api.list_users(self.client)))

    def _fields(self, fields: api.FieldList) -> Iterator[Rows]:
        return self._rows(api.list_fields(self.client, fields), key="field_code")

    def _deals(self) -> Iterator[Rows]:
        seen = Seen()
        for pages in (api.list_records(self.client, "deals"), api.list_archived_deals(self.client)):
            yield from self._rows(pages, seen=seen)
        self._deal_ids = seen.ids

    def _lines(self) -> Iterator[Rows]:
        at_once = LINE_CALLS_AT_ONCE * DEALS_PER_LINE_CALL
        for first in range(0, len(self._deal_ids), at_once):
            seen = Seen()  # a line belongs to one deal, so it can't come again later
            for page in self._loop.run(self._lines_of(self._deal_ids[first : first + at_once])):
                yield seen.fresh(rows_of(page))

    async def _lines_of(self, deal_ids: Sequence[int]) -> list[Page]:
        async def pages(some: Sequence[int]) -> list[Page]:
            return [page async for page in api.list_lines(self.client, some)]

        starts = range(0, len(deal_ids), DEALS_PER_LINE_CALL)
        found = await asyncio.gather(
            *(pages(deal_ids[first : first + DEALS_PER_LINE_CALL]) for first in starts)
        )
        return [page for some in found for page in some]

    def _rows(
        self, pages: AsyncIterator[Page], *, key: str = "id", seen: Seen | None = None
    ) -> Iterator[Rows]:
        async def following() -> Page | None:
            return await anext(pages, None)

        seen = seen or Seen()
        while (page := self._loop.run(following())) is not None:
            yield seen.fresh(rows_of(page, key=key))


def rows_of(page: Page, *, key: str = "id") -> Rows:
    """The records of a page, each with its own text cut out of the answer."""
    texts = _LIST_OF_TEXTS.decode(page.raw) or []
    return [
        RawRow(_key(record, key), bytes(text), page.request)
        for record, text in zip(page.records, texts, strict=True)
    ]


def _key(record: dict[str, Any], key: str) -> str:
    return str(record[key])
