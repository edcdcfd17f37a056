"""The last look before a deletion: which list is asked for which record."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from load.client import Answer
from load.phases import PHASE_OF
from load.undo.account import read_again


class Lists:
    """A target whose lists hold one record of each id but those `moved` by list; notes what was
    asked."""

    def __init__(self, **moved: set[int]) -> None:
        self.asked: list[tuple[str, str]] = []
        self._moved = moved

    async def call(self, _method: str, path: str, *, params: dict[str, Any], **_: Any) -> Answer:
        self.asked.append((path, params["ids"]))
        away = self._moved.get(path.rsplit("/", 1)[-1], set())
        there = [int(one) for one in params["ids"].split(",") if int(one) not in away]
        return Answer(200, [{"id": one} for one in there], {})


def test_a_person_with_the_id_of_an_archived_deal_is_looked_for_among_persons() -> None:
    client = Lists()
    run: Any = SimpleNamespace(client=client)
    found = asyncio.run(read_again(run, PHASE_OF["person"], [7, 8], [], {7}))
    assert found.keys() == {7, 8}
    assert client.asked == [("/api/v2/persons", "7,8")]


def test_an_archived_deal_is_looked_for_among_the_archived() -> None:
    client = Lists()
    run: Any = SimpleNamespace(client=client)
    found = asyncio.run(read_again(run, PHASE_OF["deal"], [7, 8], [], {7}))
    assert found.keys() == {7, 8}
    assert client.asked == [("/api/v2/deals", "8"), ("/api/v2/deals/archived", "7")]


def test_a_deal_archived_or_brought_back_since_the_lists_were_read_is_no_deleted_one() -> None:
    client = Lists(deals={8}, archived={7})
    run: Any = SimpleNamespace(client=client)
    found = asyncio.run(read_again(run, PHASE_OF["deal"], [7, 8], [], {7}))
    assert found.keys() == {7, 8}
    assert client.asked[2:] == [("/api/v2/deals", "7"), ("/api/v2/deals/archived", "8")]
