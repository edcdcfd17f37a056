"""Locations, and the other lists that come whole in one answer. One record per element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import data_of, items_of, record
from extract.alpine_iq.settings import STORES, Endpoint
from extract.records import Record

_NO_QUERY: Final[Mapping[str, str | int]] = {}


def stores(reader: Reader) -> Iterator[list[Record]]:
    """One record per store."""
    yield from whole_list(reader, STORES, "stores")


def whole_list(
    reader: Reader,
    endpoint: Endpoint,
    *members: str,
    query: Mapping[str, str | int] = _NO_QUERY,
) -> Iterator[list[Record]]:
    """A list without pages, keyed by `id`; nothing when the account does not have it."""
    answer = reader.read_list(endpoint, query=query)
    if answer is None:
        return
    found = (
        record(endpoint.name, "id", item, answer) for item in items_of(data_of(answer), *members)
    )
    yield list({each.record_key: each for each in found}.values())
