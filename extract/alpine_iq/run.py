"""One extraction from its first call to its last load package, in one process or in many.

A run is open in the journal until everything is landed. A process that finds an open run goes on
with it: lists come from the journal, contacts that the warehouse holds since the run began are not
asked for again. Calls lost by a kill are those in flight.

Raises `ConfigError`, `RetryLater`; errors of the disk go up as they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

import extract.alpine_iq as contents
from extract.alpine_iq import audiences, contacts, held, hidden, per_contact
from extract.alpine_iq.calls import CallPlan, PerContactCalls, page_count, plan_calls
from extract.alpine_iq.client import AlpineIQClient
from extract.alpine_iq.contacts import Listing, Paging
from extract.alpine_iq.guards import Census, ListNotCredibleError, compare
from extract.alpine_iq.journal import Journal, Run
from extract.alpine_iq.landing import Warehouse
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.per_contact import Wanted
from extract.alpine_iq.reader import Progress, Reader
from extract.alpine_iq.records import Record, sha256
from extract.alpine_iq.settings import CONTACT, CONTACT_ORDERS, CONTACTS, WINDOWS, AlpineIQAccount
from extract.inbox.answers import Answered, answered_by
from extract.inbox.landing import land_inbox
from load.errors import ConfigError, RetryLater

_STALE: Final = timedelta(days=14)  # an interrupted run older than this is begun anew
_TASK: Final = "lists"


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator chose."""

    per_contact: bool = True
    sample: int | None = None
    accept_changes: bool = False
    paging: Paging | None = None
    inbox_headers: Path | None = None  # without it the inbox is not looked at


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """What a complete run has brought, over all the processes that worked on it."""

    run_id: str
    calls: int
    minimum_calls: int
    rows: dict[str, int]
    gaps: dict[str, str]
    resumed: bool = False
    calls_by_endpoint: dict[str, int] = field(default_factory=dict)


def extract(
    account: AlpineIQAccount,
    data_dir: Path,
    options: Options,
    *,
    progress: Progress,
    clock: Callable[[], datetime],
    on_plan: Callable[[CallPlan], None] | None,
) -> ExtractionResult:
    """See `extract.alpine_iq.extract_account`."""
    with private_folder(data_dir), contextlib.ExitStack() as stack:
        journal = Journal(data_dir / "alpine_iq_journal.sqlite", account.uid)
        stack.callback(journal.close)
        limiter = CallLimiter(
            data_dir / "alpine_iq_calls.sqlite",
            account.uid,
            WINDOWS,
            scale=account.window_scale,
            now=time.time,
            sleep=time.sleep,
        )
        stack.callback(limiter.close)
        run, resumed = _open_run(journal, clock())
        client = AlpineIQClient(account, limiter, run.run_id, now=clock)
        stack.callback(client.close)
        warehouse = Warehouse(data_dir / "warehouse.duckdb", data_dir / "dlt")
        reader = Reader(client, journal, run, account.uid)
        answered = Answered()
        if options.inbox_headers is not None:
            report = land_inbox(
                warehouse, data_dir / "inbox", options.inbox_headers, uid=account.uid
            )
            answered = answered_by(warehouse, report)
        work = _Work(
            account, options, reader, warehouse, limiter, progress, on_plan, clock, answered
        )
        try:
            return work.to_the_end(resumed=resumed)
        except ListNotCredibleError:
            journal.close_run(run.run_id)
            raise


@dataclass(slots=True)
class _Work:
    account: AlpineIQAccount
    options: Options
    reader: Reader
    warehouse: Warehouse
    limiter: CallLimiter
    progress: Progress
    on_plan: Callable[[CallPlan], None] | None
    clock: Callable[[], datetime]
    answered: Answered

    def to_the_end(self, *, resumed: bool) -> ExtractionResult:
        listing = self._land_lists()
        self._land_contacts(listing)
        self._trace_through_the_warehouse(listing)
        for contact_id in self.answered.look_ups:
            self.reader.traces.pop(contact_id, None)
        found = list(hidden.hidden_contacts(self.reader))
        optins = list(hidden.optins(self.reader))
        totals = {"hidden_contacts": len(found), "optins": len(optins)}
        run_row = self._run_row(listing, "closed", totals)
        self.warehouse.land(contents.hidden_contacts(found, optins, run_row))
        run_id = self.reader.run.run_id
        made = self.limiter.made(run_id)
        result = ExtractionResult(
            run_id=run_id,
            calls=sum(made.values()),
            minimum_calls=self._minimum(listing),
            rows=held.counts(self.warehouse),
            gaps=dict(self.reader.gaps),
            resumed=resumed,
            calls_by_endpoint=made,
        )
        self.reader.journal.close_run(run_id)
        return result

    def _land_lists(self) -> Listing:
        reader = self.reader
        self.progress.start(_TASK, None)
        reader.on_answer = lambda endpoint: self.progress.advance(_TASK, 1, endpoint.name)
        paging = self.options.paging or Paging()
        listing = contacts.settle(reader, paging)
        census = Census(self.account.uid, len(listing.rank), listing.with_points)
        if not self.options.accept_changes:
            compare(census, held.last_census(self.warehouse))
        reader.listed = frozenset(listing.rank)
        for contact_id in listing.left_meanwhile:
            reader.saw(contact_id, "left_while_listing")
        earlier = held.earlier_ids(self.warehouse)
        self._announce(listing, paging)
        run_row = self._run_row(listing, "open")
        self.warehouse.land(contents.account_lists(reader, listing, run_row))
        for contact_id in earlier - reader.traces.keys():
            reader.saw(contact_id, "earlier_extraction")
        for contact_id, where in self.answered.traces:
            reader.saw(contact_id, where)
        reader.on_answer = lambda _: None
        self.progress.finish(_TASK)
        return listing

    def _announce(self, listing: Listing, paging: Paging) -> None:
        if self.on_plan is None:
            return
        plan = plan_calls(
            contacts=len(listing.rank),
            audiences=len(audiences.audience_ids(self.reader)),
            now=self.reader.run.started_at.timestamp(),
            per_contact=self._calls_per_contact(listing),
            paging=paging,
            window_scale=self.account.window_scale,
        )
        self.on_plan(plan)

    def _calls_per_contact(self, listing: Listing) -> PerContactCalls:
        left = self._contacts_left(listing)
        asked = listing.contact_ids[: self.options.sample] if self.options.per_contact else []
        return PerContactCalls(
            details=sum(each.detail for each in left),
            orders=sum(each.orders for each in left),
            details_by_export=sum(key in self.answered.details for key in asked),
            orders_by_export=sum(key in self.answered.orders for key in asked),
            members_not_exported=self.answered.members_missing,
        )

    def _contacts_left(self, listing: Listing) -> list[Wanted]:
        """Contacts with a call that neither an export answers nor this run has made."""
        if not self.options.per_contact:
            return []
        since = self.reader.run.started_at
        orders = self.answered.orders | held.orders_done(self.warehouse, since)
        details = self.answered.details | held.details_done(self.warehouse, since)
        wanted = (
            Wanted(key, detail=key not in details, orders=key not in orders)
            for key in listing.contact_ids[: self.options.sample]
        )
        return [each for each in wanted if each.calls]

    def _land_contacts(self, listing: Listing) -> None:
        left = self._contacts_left(listing)
        for each in per_contact.slices(
            self.reader,
            left,
            progress=self.progress,
            window_scale=self.account.window_scale,
        ):
            self.warehouse.land(contents.contact_slice(each))
            self.reader.journal.forget(self.reader.run.run_id, each.requests)

    def _trace_through_the_warehouse(self, listing: Listing) -> None:
        for contact_id in held.ids_on_order_lines(self.warehouse):
            self.reader.saw(contact_id, "contact_orders")
        for contact_id in held.answered_as_another(self.warehouse, self.reader.run.started_at):
            if contact_id in listing.rank:
                self.reader.traces.setdefault(contact_id, set()).add("contacts")

    def _minimum(self, listing: Listing) -> int:
        """Calls of a run without any failure, the declared overlap of pages included."""
        reader = self.reader
        apart = {CONTACTS.name, CONTACT.name, CONTACT_ORDERS.name}
        others = sum(len(asked) for name, asked in reader.questions.items() if name not in apart)
        asked = listing.contact_ids[: self.options.sample] if self.options.per_contact else []
        details = sum(key not in self.answered.details for key in asked)
        orders = sum(key not in self.answered.orders for key in asked)
        looked_up = len(reader.traces.keys() - reader.listed)
        pages = page_count(listing.total, listing.paging)
        return pages + others + details + orders + looked_up

    def _run_row(
        self, listing: Listing, state: str, totals: dict[str, int] | None = None
    ) -> Record:
        run, now = self.reader.run, self.clock()
        made = self.limiter.made(run.run_id)
        payload: dict[str, Any] = {
            "run_id": run.run_id,
            "uid": self.account.uid,
            "state": state,
            "started_at": run.started_at,
            "finished_at": now if state == "closed" else None,
            "options": asdict(self.options)
            | {"inbox_headers": self.options.inbox_headers is not None},
            "contacts": len(listing.rank),
            "contacts_total": listing.total,
            "contacts_with_points": listing.with_points,
            "minimum_calls": self._minimum(listing),
            "list_passes": listing.passes,
            "calls": sum(made.values()),
            "calls_by_endpoint": made,
            "gaps": dict(self.reader.gaps),
            "totals": held.counts(self.warehouse) | (totals or {}),
        }
        text = msgspec.json.encode(payload)
        return Record(run.run_id, text, sha256(text), "extraction", now)


def _open_run(journal: Journal, now: datetime) -> tuple[Run, bool]:
    found = journal.open_run()
    if found is not None and now - found.started_at < _STALE:
        return found, True
    if found is not None:
        journal.close_run(found.run_id)
    run = Run(f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", now)
    journal.begin(run)
    return run, False


@contextlib.contextmanager
def private_folder(data_dir: Path) -> Iterator[None]:
    """Files that only their owner reads, and one extraction at a time."""
    before = os.umask(0o077)
    try:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (data_dir / "alpine_iq.lock").open("a+")
        except OSError as error:
            raise ConfigError(
                f"the data directory can't be written to ({error.strerror}); check AIQ2PD_DATA_DIR"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RetryLater(
                    "another extraction into this data directory is running; wait for it to end"
                ) from None
            yield
    finally:
        os.umask(before)
