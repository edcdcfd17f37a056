"""The loyalty program, its discounts and their groups, campaigns: lists of one call each."""

from __future__ import annotations

from collections.abc import Iterator

from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import NULL, data_of, keyed
from extract.alpine_iq.settings import CAMPAIGNS, DISCOUNT_GROUPS, DISCOUNTS, LOYALTY_PROGRAM
from extract.alpine_iq.stores import whole_list
from extract.records import Record


def loyalty_program(reader: Reader) -> Iterator[list[Record]]:
    """One record: the snapshot of the program's configuration, where the service gives it."""
    answer = reader.read_list(LOYALTY_PROGRAM)
    if answer is not None and data_of(answer) != NULL:
        yield [keyed(reader.uid, data_of(answer), answer)]


def discounts(reader: Reader) -> Iterator[list[Record]]:
    """One record per discount; tiers are discounts of the type tier reward."""
    yield from whole_list(reader, DISCOUNTS, "results", "data")


def discount_groups(reader: Reader) -> Iterator[list[Record]]:
    """One record per group of discounts."""
    yield from whole_list(reader, DISCOUNT_GROUPS, "results", "data")


def campaigns(reader: Reader) -> Iterator[list[Record]]:
    """One record per campaign."""
    yield from whole_list(reader, CAMPAIGNS, "results", "data", query={"full": "true"})
