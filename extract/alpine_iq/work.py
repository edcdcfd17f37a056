"""The steps of a run in order: the lists, the calls per contact, the hidden contacts, the mark.

Each step lands what it read before the next begins. Raises `ListNotCredibleError` before anything
of an incredible list is landed, `RetryLater` once the calls allowed are made, and what reader and
warehouse raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

import extract.alpine_iq as contents
from extract.alpine_iq import audiences, contacts, delta, held, hidden, on_demand, per_contact
from extract.alpine_iq.calls import CallPlan, plan_calls
from extract.alpine_iq.contacts import Listing, Paging
from extract.alpine_iq.guards import Census, compare
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.needs import Needs
from extract.alpine_iq.reader import Progress, Reader
from extract.alpine_iq.settings import AlpineIQAccount
from extract.landing import Warehouse
from extract.records import Record, sha256
from load.errors import RetryLater

_TASK: Final = "lists"


@dataclass(frozen=True, slots=True)
class Finished:
    """Rows by raw table, the fewest calls that the run could have made, what a delta found."""

    rows: dict[str, int]
    minimum_calls: int
    asked_for: int
    late: dict[str, int]
    no_longer_listed: dict[str, int]


@dataclass(slots=True)
class Work:
    """One run at work."""

    account: AlpineIQAccount
    needs: Needs
    reader: Reader
    warehouse: Warehouse
    limiter: CallLimiter
    progress: Progress
    on_plan: Callable[[CallPlan], None] | None
    clock: Callable[[], datetime]

    def to_the_end(self) -> Finished:
        """From wherever an interrupted process left it."""
        self.needs.remind(self.reader)
        listing = self._land_lists()
        self._land_contacts(listing)
        self._trace_through_the_warehouse(listing)
        self._land_hidden_contacts(listing)
        return Finished(
            held.counts(self.warehouse),
            self.needs.minimum(listing, self.reader),
            len(self.needs.asked_for(listing)),
            self.needs.delta.late_in_all(self.reader, self.warehouse),
            delta.no_longer_listed(self.warehouse),
        )

    def _land_lists(self) -> Listing:
        reader, options = self.reader, self.needs.options
        self.progress.start(_TASK, None)
        reader.on_answer = lambda endpoint: self.progress.advance(_TASK, 1, endpoint.name)
        paging = options.paging or Paging()
        listing = contacts.settle(reader, paging)
        census = Census(self.account.uid, len(listing.rank), listing.with_points)
        if not options.accept_changes:
            compare(census, held.last_census(self.warehouse))
        reader.listed = frozenset(listing.rank)
        for contact_id in listing.left_meanwhile:
            reader.saw(contact_id, "left_while_listing")
        earlier = held.earlier_ids(self.warehouse)
        found = self.needs.delta
        found.before_landing(reader, self.warehouse, listing)
        run_row = self._run_row(listing, "open")
        self.warehouse.land(*contents.account_lists(reader, listing, run_row, since=found.since))
        found.after_lists(reader, self.warehouse)
        self._announce(listing, paging)
        for contact_id in earlier - reader.traces.keys():
            reader.saw(contact_id, "earlier_extraction")
        for contact_id, where in self.needs.answered.traces:
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
            per_contact=self.needs.calls_per_contact(listing, self.reader),
            paging=paging,
            window_scale=self.account.window_scale,
        )
        self.on_plan(plan)

    def _land_contacts(self, listing: Listing) -> None:
        left = self.needs.left(listing, self.reader)
        now = self.needs.affordable(left, self.reader)
        since = {each.contact_id: each.timeline_since for each in now if each.is_continued}
        for each in per_contact.slices(
            self.reader,
            now,
            progress=self.progress,
            window_scale=self.account.window_scale,
        ):
            each.timelines = on_demand.with_older_events(self.warehouse, each.timelines, since)
            seen = self.needs.delta.seen(self.reader, self.warehouse, each, self.clock())
            self.warehouse.land(*contents.contact_slice(each, seen))
            self.reader.journal.forget(self.reader.run.run_id, each.requests)
        if len(now) < len(left):
            raise RetryLater(
                f"{len(now):,} contacts were asked for one by one, {len(left) - len(now):,} wait; "
                "run the command again to go on. What is landed can be built and planned: "
                "persons whose detail or orders wait are held back"
            )

    def _trace_through_the_warehouse(self, listing: Listing) -> None:
        for contact_id in held.ids_on_order_lines(self.warehouse):
            self.reader.saw(contact_id, "contact_orders")
        for contact_id in held.answered_as_another(self.warehouse, self.reader.run.started_at):
            if contact_id in listing.rank:
                self.reader.traces.setdefault(contact_id, set()).add("contacts")

    def _land_hidden_contacts(self, listing: Listing) -> None:
        if self.needs.is_sample:
            self.warehouse.land(*contents.mark(self._run_row(listing, "closed")))
            return
        for contact_id in self.needs.answered.look_ups:
            self.reader.traces.pop(contact_id, None)
        found = list(hidden.hidden_contacts(self.reader))
        optins = list(hidden.optins(self.reader))
        totals = {"hidden_contacts": len(found), "optins": len(optins)}
        run_row = self._run_row(listing, "closed", totals)
        self.warehouse.land(*contents.hidden_contacts(found, optins, run_row))

    def _run_row(
        self, listing: Listing, state: str, totals: dict[str, int] | None = None
    ) -> Record:
        reader, found = self.reader, self.needs.delta
        run, options, now = reader.run, self.needs.options, self.clock()
        made = self.limiter.made(run.run_id)
        payload: dict[str, Any] = {
            "run_id": run.run_id,
            "uid": self.account.uid,
            "state": state,
            "started_at": run.started_at,
            "finished_at": now if state == "closed" else None,
            "options": asdict(options) | {"inbox_headers": options.inbox_headers is not None},
            "contacts": len(listing.rank),
            "contacts_total": listing.total,
            "contacts_with_points": listing.with_points,
            "minimum_calls": self.needs.minimum(listing, self.reader),
            "list_passes": listing.passes,
            "calls": sum(made.values()),
            "calls_by_endpoint": made,
            "gaps": self.reader.all_gaps(),
            "asked_for": len(self.needs.asked_for(listing)),
            "moved": found.moved,
            "late": found.late if state == "open" else found.late_in_all(reader, self.warehouse),
            "totals": held.counts(self.warehouse) | (totals or {}),
        }
        text = msgspec.json.encode(payload)
        return Record(run.run_id, text, sha256(text), "extraction", now)
