"""What only a call per contact gives: the detail and the order lines; more on demand.

Contacts are asked for in slices; each slice becomes one committed load package, and what the
warehouse holds from this run is not asked for again. Every contact whose orders were asked for has
a row in `contact_orders`, empty or not; a detail that answered nothing stays in the journal.

Raises the first error of a slice, once the calls in flight have ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from extract.alpine_iq import on_demand
from extract.alpine_iq.calls import hours_at_the_limits, spoken
from extract.alpine_iq.journal import Answer
from extract.alpine_iq.reader import Progress, Reader
from extract.alpine_iq.records import (
    NULL,
    data_of,
    items_of,
    keyed,
    members_of,
    record,
    scalar_text,
    wrapped,
)
from extract.alpine_iq.settings import (
    CONTACT,
    CONTACT_ORDERS,
    HISTORY_START,
    ORDER_PAGE,
    ORDER_PAGE_STEP,
    SLICE_CONTACTS,
    SLICE_SECONDS,
    THREADS,
)
from extract.records import Record

_GROUP: Final = 50  # contacts handed to the threads at a time
_TASK: Final = "contacts one by one"
_TELLING: Final = 20  # calls after which the rate says something about the rest


@dataclass(frozen=True, slots=True)
class Wanted:
    """One contact and the calls that it needs; a timeline is read from `timeline_since` on."""

    contact_id: str
    detail: bool = True
    orders: bool = True
    timeline: bool = False
    override: bool = False
    timeline_since: int = HISTORY_START

    @property
    def calls(self) -> int:
        return self.detail + self.orders + self.timeline + self.override

    @property
    def is_continued(self) -> bool:
        """Its timeline is read from where an earlier run has left off."""
        return self.timeline and self.timeline_since > HISTORY_START


@dataclass(slots=True)
class Told:
    """All answers about one contact."""

    detail: Answer | None
    orders: list[Answer]
    timeline: Answer | None
    override: Answer | None


@dataclass(slots=True)
class Slice:
    """What one load package lands, and the answers that may be forgotten once it is committed.

    `asked` are the contacts whose detail or orders were asked for.
    """

    contacts: int = 0
    asked: list[str] = field(default_factory=list)
    details: list[Record] = field(default_factory=list)
    orders: list[Record] = field(default_factory=list)
    timelines: list[Record] = field(default_factory=list)
    overrides: list[Record] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def slices(
    reader: Reader,
    wanted: Sequence[Wanted],
    *,
    progress: Progress,
    window_scale: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Slice]:
    """Slices of at most `SLICE_CONTACTS` contacts or about `SLICE_SECONDS`, in the given order."""
    left = total = sum(each.calls for each in wanted)
    progress.start(_TASK, total)
    current, began = Slice(), monotonic()
    started = began
    with ThreadPoolExecutor(THREADS, thread_name_prefix="alpine-iq") as pool:
        for first in range(0, len(wanted), _GROUP):
            group = wanted[first : first + _GROUP]
            for each, told in zip(group, pool.map(partial(_ask, reader), group), strict=True):
                _add(reader, current, each, told)
                left -= each.calls
                note = pace(total - left, left, monotonic() - started, window_scale)
                progress.advance(_TASK, each.calls, note)
            if current.contacts >= SLICE_CONTACTS or monotonic() - began >= SLICE_SECONDS:
                yield current
                current, began = Slice(), monotonic()
    if current.contacts:
        yield current
    progress.finish(_TASK)


def pace(made: int, left: int, seconds: float, window_scale: float) -> str:
    """Calls left, the rate since the task began, and how long the rest takes: at the limits, or at
    that rate where it is slower."""
    a_second = made / seconds if seconds > 0 else 0.0
    at_the_limits = hours_at_the_limits(left, window_scale)
    at_this_rate = left / a_second / 3_600 if a_second and made >= _TELLING else 0.0
    told = (
        spoken(at_this_rate, "at this rate")
        if at_this_rate > at_the_limits
        else spoken(at_the_limits)
    )
    return f"{left:,} calls left, {60 * a_second:,.0f} a minute, {told}"


def _ask(reader: Reader, wanted: Wanted) -> Told:
    key = wanted.contact_id
    return Told(
        reader.read(CONTACT, {"contact_id": key}) if wanted.detail else None,
        _order_pages(reader, key) if wanted.orders else [],
        on_demand.timeline(reader, key, wanted.timeline_since) if wanted.timeline else None,
        on_demand.override(reader, key) if wanted.override else None,
    )


def _order_pages(reader: Reader, contact_id: str) -> list[Answer]:
    """One answer for nearly everybody; nobody has proved that the list comes whole.

    A service that pages would stop at a round number of lines; then the rest is asked for, until an
    answer is empty or repeats the one before.
    """
    path = {"contact_id": contact_id}
    pages = [reader.read(CONTACT_ORDERS, path)]
    count = len(_lines(pages[0]))
    while count and count % ORDER_PAGE_STEP == 0:
        query = {"start": count, "limit": ORDER_PAGE}
        page = reader.read(CONTACT_ORDERS, path, query)
        lines = _lines(page)
        if not lines or lines == _lines(pages[-1]):
            break
        pages.append(page)
        count += len(lines)
    return pages


def _lines(answer: Answer) -> list[bytes]:
    return items_of(data_of(answer), "results", "data") if answer.status == 200 else []


def _add(reader: Reader, current: Slice, wanted: Wanted, told: Told) -> None:
    contact_id = wanted.contact_id
    current.contacts += 1
    if wanted.detail or wanted.orders:
        current.asked.append(contact_id)
    if told.detail is not None:
        _add_detail(reader, current, contact_id, told.detail)
    if told.orders:
        lines = b"[%s]" % b",".join(line for page in told.orders for line in _lines(page))
        current.orders.append(
            keyed(contact_id, wrapped("contactID", contact_id, "lines", lines), told.orders[0])
        )
        current.requests.extend(page.request for page in told.orders)
    if told.timeline is not None:
        current.timelines.append(on_demand.timeline_record(contact_id, told.timeline))
        current.requests.append(told.timeline.request)
    if told.override is not None:
        current.overrides.append(on_demand.override_record(contact_id, told.override))
        current.requests.append(told.override.request)


def _add_detail(reader: Reader, current: Slice, contact_id: str, detail: Answer) -> None:
    payload = data_of(detail) if detail.status == 200 else NULL
    if payload != NULL:
        found = record("contact_details", "contactID", payload, detail)
        hashed = Record(contact_id, payload, found.content_hash, found.request, found.fetched_at)
        current.details.append(hashed)
    if payload != NULL and scalar_text(members_of(payload).get("contactID")) == contact_id:
        current.requests.append(detail.request)
    else:
        # listed, and yet gone or somebody else's when asked for: a trace of a hidden contact
        reader.traces.setdefault(contact_id, set()).add("contacts")
