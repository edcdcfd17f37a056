"""The list of contacts, read until it is stable, and what it says about its rows.

Pages are sorted by id and overlap, so that a row which moves up while we read is still seen. A page
that does not touch its predecessor is read again from further back; a list whose distinct ids are
not its total is read again as a whole. Hidden contacts are not in it (see `hidden`).

Raises `ListNotCredibleError` when paging does not work as documented, and what the reader raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from extract.alpine_iq.client import Check
from extract.alpine_iq.guards import ListNotCredibleError
from extract.alpine_iq.journal import Answer
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import data_of, list_text, members_of, records, scalar_text
from extract.alpine_iq.settings import CONTACT_OVERLAP, CONTACT_PAGE, CONTACTS, MAX_LIST_PASSES
from extract.records import Record

_MONTH: Final = 30 * 86_400
_ORDER: Final = {"sort": "id", "dir": "asc"}


class _Ranked(msgspec.Struct):
    """What contacts are ordered by, of one row."""

    inserted: msgspec.Raw = msgspec.Raw(b"null")
    points: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="loyaltyPoints")


_ranked: Final = msgspec.json.Decoder(list[_Ranked])


@dataclass(frozen=True, slots=True)
class Paging:
    """Rows asked for per page, and how many of them the next page repeats."""

    limit: int = CONTACT_PAGE
    overlap: int = CONTACT_OVERLAP


@dataclass(frozen=True, slots=True)
class Page:
    """Where one page stands in the journal."""

    start: int
    reading: int


@dataclass(slots=True)
class Reading:
    """One pass over the whole list."""

    pages: list[Page] = field(default_factory=list)
    rank: dict[str, tuple[float, float]] = field(default_factory=dict)  # key: (inserted, points)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as it stood still. `rank` orders contacts: newest month first, then most points."""

    pages: tuple[Page, ...]
    rank: dict[str, tuple[float, float]]
    total: int
    passes: int
    left_meanwhile: frozenset[str]
    paging: Paging

    @property
    def with_points(self) -> int:
        return sum(1 for _, points in self.rank.values() if points)

    @property
    def contact_ids(self) -> list[str]:
        """Newest and most valuable first; rows without an id can't be asked for."""
        known = (key for key in self.rank if not key.startswith("without-key:"))
        return sorted(known, key=lambda key: (*_newest_and_most_valuable(self.rank[key]), key))


def _newest_and_most_valuable(rank: tuple[float, float]) -> tuple[float, float, float]:
    """Sorts by the month of arrival, within it by points: seconds are hardly ever equal."""
    inserted, points = rank
    return -(inserted // _MONTH), -points, -inserted


def settle(reader: Reader, paging: Paging) -> Listing:
    """Read the list until a pass holds as many distinct ids as its total says."""
    readings: list[Reading] = []
    for number in range(MAX_LIST_PASSES):
        readings.append(_read_once(reader, paging, number))
        if len(readings[-1].rank) == readings[-1].total:
            break
        if number and readings[-1].rank.keys() == readings[-2].rank.keys():
            reader.gaps["contacts"] = (
                f"{len(readings[-1].rank)} distinct ids, total says {readings[-1].total}"
            )
            break
    last = readings[-1]
    settled = len(last.rank) == last.total or "contacts" in reader.gaps
    everyone = {key: rank for each in readings for key, rank in each.rank.items()}
    if not settled:
        reader.gaps["contacts"] = f"still changing after {MAX_LIST_PASSES} passes"
    return Listing(
        pages=tuple(page for each in reversed(readings) for page in each.pages),
        rank=last.rank if settled else everyone,
        total=last.total,
        passes=len(readings),
        left_meanwhile=frozenset(everyone) - frozenset(last.rank) if settled else frozenset(),
        paging=paging,
    )


def contacts(reader: Reader, listing: Listing) -> Iterator[list[Record]]:
    """One record per listed contact, from the latest pass that shows it."""
    pending = set(listing.rank)
    for page in listing.pages:
        answer = _page(reader, listing.paging, page)
        found = records("contacts", "contactID", _rows(answer), answer)
        fresh = {each.record_key: each for each in found if each.record_key in pending}
        pending -= fresh.keys()
        yield list(fresh.values())


def _read_once(reader: Reader, paging: Paging, number: int) -> Reading:
    reading = Reading()
    start = 0
    previous: list[str] = []
    while True:
        page = Page(start, number)
        answer = _page(reader, paging, page)
        keys = _note_rows(reading, answer)
        if previous and keys and keys[0] == previous[0]:
            raise ListNotCredibleError(
                f"Alpine IQ, contacts: the page at start={start} repeats the page before it; "
                "paging does not work as documented, nothing was landed"
            )
        if previous and keys and paging.overlap and keys[0] not in set(previous):
            start = max(start - paging.limit // 2, 0)  # rows went away below us: look again
            previous = []
            continue
        reading.pages.append(page)
        if not keys or len(keys) < paging.limit or start + len(keys) >= reading.total:
            return reading
        previous = keys
        start += paging.limit - paging.overlap


def _note_rows(reading: Reading, answer: Answer) -> list[str]:
    reading.total = _number(members_of(data_of(answer)).get("total"))
    rows = _rows(answer)
    found = records("contacts", "contactID", rows, answer)
    for each, ranked in zip(found, _ranked.decode(rows), strict=True):
        reading.rank[each.record_key] = (_amount(ranked.inserted), _amount(ranked.points))
    return [each.record_key for each in found]


def _page(reader: Reader, paging: Paging, page: Page) -> Answer:
    window = {"start": page.start, "limit": paging.limit}
    answer = reader.read_list(
        CONTACTS,
        query={**window, **_ORDER},
        reading=page.reading,
        check=_echoes(page.start, paging.limit),
    )
    assert answer is not None  # noqa: S101 - the list of contacts is not an optional endpoint
    return answer


def _echoes(start: int, limit: int) -> Check:
    def check(answer: Answer) -> str | None:
        members = members_of(data_of(answer))
        if _number(members.get("start")) != start or _number(members.get("limit")) != limit:
            return f"the page does not echo start={start} and limit={limit}"
        return None

    return check


def _rows(answer: Answer) -> bytes:
    return list_text(data_of(answer), "results")


def _number(raw: msgspec.Raw | None) -> int:
    text = scalar_text(raw)
    return int(text) if text.lstrip("-").isdigit() else 0


def _amount(raw: msgspec.Raw | None) -> float:
    try:
        return float(scalar_text(raw) or 0)
    except ValueError:
        return 0.0
