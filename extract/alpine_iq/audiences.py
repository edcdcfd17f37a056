"""Audiences and who is in them. Membership costs one call per audience, never one per contact.

Entry and exit dates don't exist. Ids of hidden contacts may stand among the members.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import NULL, data_of, items_of, keyed, record, scalar_text, wrapped
from extract.alpine_iq.settings import AUDIENCE_MEMBERS, AUDIENCE_PAGE, AUDIENCES
from extract.records import Record


def audiences(reader: Reader) -> Iterator[list[Record]]:
    """One record per audience."""
    found = {each.record_key: each for answer in _pages(reader) for each in _audiences_in(answer)}
    yield list(found.values())


def audience_members(reader: Reader) -> Iterator[list[Record]]:
    """One record per audience with the ids of its members."""
    for audience_id in audience_ids(reader):
        answer = reader.read(AUDIENCE_MEMBERS, {"audience_id": audience_id})
        if answer.status != 200:
            reader.gaps[f"audience_members {audience_id}"] = f"HTTP {answer.status}"
            continue
        members = data_of(answer)
        for item in items_of(members):
            reader.saw(scalar_text(msgspec.Raw(item)), "audience_members")
        yield [keyed(audience_id, wrapped("audienceID", audience_id, "members", members), answer)]


def audience_ids(reader: Reader) -> list[str]:
    """Ids of all audiences, in the order of the list."""
    found = (each.record_key for answer in _pages(reader) for each in _audiences_in(answer))
    return [key for key in dict.fromkeys(found) if not key.startswith("without-key:")]


def _pages(reader: Reader) -> Iterator[Answer]:
    start = 0
    seen: set[str] = set()
    while True:
        query = {"start": start, "limit": AUDIENCE_PAGE}
        answer = reader.read_list(AUDIENCES, query=query)
        if answer is None or data_of(answer) == NULL:
            return
        yield answer
        keys = {each.record_key for each in _audiences_in(answer)}
        if len(keys) < AUDIENCE_PAGE or keys <= seen:
            return
        seen |= keys
        start += AUDIENCE_PAGE


def _audiences_in(answer: Answer) -> Iterator[Record]:
    for item in items_of(data_of(answer), "data", "results"):
        yield record("audiences", "id", item, answer)
