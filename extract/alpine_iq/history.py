"""Account-wide histories that are asked for by time: adjustments, redemptions, conversions.

Windows go backwards from the start of the run. They grow while answers are small and halve when an
answer is large or does not come in time, so that a quiet account costs a handful of calls. Rows
have no id: the key is the row's hash and its ordinal among equal rows of one window. Neighbouring
windows share their boundary second, so the key is the same whichever of them shows a row.

A delta reads back to the last complete run and an overlap beyond it, with one window's edge at that
run's start, so that what came late can be told from what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from extract.alpine_iq.client import NoUsableAnswer
from extract.alpine_iq.journal import Answer
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import counted, data_of, items_of, members_of, scalar_text
from extract.alpine_iq.settings import (
    ADJUSTMENTS,
    CONVERSIONS,
    HISTORY_GROWTH,
    HISTORY_LARGE,
    HISTORY_SMALL,
    HISTORY_START,
    HISTORY_WINDOW_DAYS,
    MAX_ATTEMPTS,
    REDEMPTIONS,
    Endpoint,
)
from extract.records import Record

_DAY: Final = 86_400
_PATIENCE: Final = 2  # attempts at a window that can still be halved

_Question = tuple[Mapping[str, str], Mapping[str, str | int]]


def adjustments(
    reader: Reader, since: datetime | None = None, overlap: timedelta = timedelta()
) -> Iterator[list[Record]]:
    """One record per change of points by hand or by campaign."""
    yield from _history(reader, ADJUSTMENTS, since, overlap)


def redemptions(
    reader: Reader, since: datetime | None = None, overlap: timedelta = timedelta()
) -> Iterator[list[Record]]:
    """One record per redeemed discount."""
    yield from _history(reader, REDEMPTIONS, since, overlap)


def conversions(
    reader: Reader, since: datetime | None = None, overlap: timedelta = timedelta()
) -> Iterator[list[Record]]:
    """One record per order that the service ascribes to a campaign."""
    yield from _history(reader, CONVERSIONS, since, overlap)


def keys_before(reader: Reader, name: str, since: datetime, overlap: timedelta) -> Iterator[str]:
    """Keys of the rows that the overlap of a delta shows: dated before `since`."""
    endpoint = next(each for each in _HISTORIES if each.name == name)
    for window_end, answer in _windows(reader, endpoint, since, overlap):
        if window_end <= int(since.timestamp()):
            rows = items_of(data_of(answer), "results", "data")
            yield from (each.record_key for each in counted(rows, answer))


def _in_path(start: int, end: int) -> _Question:
    return {"start": str(start), "end": str(end)}, {}


def _in_query(start: int, end: int) -> _Question:
    return {}, {"start": start, "end": end}


# how each is asked for its window, and which member of a row names the contact
_HISTORIES: Final[Mapping[Endpoint, tuple[Callable[[int, int], _Question], str]]] = {
    ADJUSTMENTS: (_in_path, "cntID"),
    REDEMPTIONS: (_in_path, "contactID"),
    CONVERSIONS: (_in_query, "contactID"),
}


def _history(
    reader: Reader, endpoint: Endpoint, since: datetime | None, overlap: timedelta
) -> Iterator[list[Record]]:
    _, contact_member = _HISTORIES[endpoint]
    landed: set[str] = set()
    for _, answer in _windows(reader, endpoint, since, overlap):
        rows = items_of(data_of(answer), "results", "data")
        for row in rows:
            reader.saw(scalar_text(members_of(row).get(contact_member)), endpoint.name)
        fresh = [each for each in counted(rows, answer) if each.record_key not in landed]
        landed.update(each.record_key for each in fresh)
        yield fresh


def _windows(
    reader: Reader, endpoint: Endpoint, since: datetime | None, overlap: timedelta
) -> Iterator[tuple[int, Answer]]:
    """Windows with their end, newest first."""
    question, _ = _HISTORIES[endpoint]
    end = int(reader.run.started_at.timestamp()) + 1
    edge = HISTORY_START if since is None else int(since.timestamp())
    oldest = max(edge - int(overlap.total_seconds()), HISTORY_START)
    days = HISTORY_WINDOW_DAYS
    while end > oldest:
        start = max(end - days * _DAY, edge if end > edge else oldest)
        path, query = question(start, end)
        patience = _PATIENCE if days > 1 else MAX_ATTEMPTS
        try:
            answer = reader.read_list(endpoint, path, query, attempts=patience)
        except NoUsableAnswer:
            if days <= 1:
                raise
            days //= 2
            continue
        if answer is None:
            return
        yield end, answer
        count = len(items_of(data_of(answer), "results", "data"))
        end = start
        if count < HISTORY_SMALL:
            days *= HISTORY_GROWTH if count * HISTORY_GROWTH < HISTORY_SMALL else 2
        elif count > HISTORY_LARGE:
            days = max(days // 2, 1)
