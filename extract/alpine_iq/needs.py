"""Which contacts need a call of their own, and the fewest calls that a whole run can do with.

A call is not needed when an export in the inbox answers it, when this run has made it before it
was interrupted, or in a delta when nothing about the contact has changed. Contacts come newest and
most valuable first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from extract.alpine_iq import held, on_demand
from extract.alpine_iq.calls import OnDemand, PerContactCalls, page_count
from extract.alpine_iq.contacts import Listing
from extract.alpine_iq.delta import Delta
from extract.alpine_iq.journal import Run
from extract.alpine_iq.options import Options
from extract.alpine_iq.per_contact import Wanted
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.settings import (
    CONTACT,
    CONTACT_ORDERS,
    CONTACTS,
    HISTORY_START,
    ON_DEMAND,
    OVERRIDES,
    POINTS_TIMELINE,
    Endpoint,
)
from extract.inbox.answers import Answered
from extract.landing import Warehouse


@dataclass(frozen=True, slots=True)
class Needs:
    """One run's needs. `answered` is what exports say."""

    warehouse: Warehouse
    run: Run
    options: Options
    answered: Answered
    delta: Delta

    @property
    def is_sample(self) -> bool:
        """A sample looks for no hidden contacts: there may be thousands of them."""
        return self.options.sample is not None

    def asked_for(self, listing: Listing) -> list[str]:
        """Contacts that this run wants to know everything about."""
        return [key for key in self._chosen(listing) if key not in self.delta.same]

    def on_demand(self, listing: Listing, endpoint: Endpoint) -> set[str]:
        """Contacts whom an endpoint on demand is to be asked about in this run.

        A delta asks about those whom it asks for anyway, and those who were never asked about.
        """
        if not self.is_on(endpoint):
            return set()
        before = held.answered_before(self.warehouse, endpoint.name, self.run.started_at)
        same = self.delta.same & before
        spared = self._spared(endpoint)
        return {key for key in self._chosen(listing) if key not in same and key not in spared}

    def is_on(self, endpoint: Endpoint) -> bool:
        """Whether the operator chose an endpoint on demand."""
        chosen = {
            POINTS_TIMELINE.name: self.options.timelines,
            OVERRIDES.name: self.options.overrides,
        }
        return chosen[endpoint.name]

    def left(self, listing: Listing, reader: Reader) -> list[Wanted]:
        """Contacts with a call that neither an export answers nor this run has made."""
        since = self.run.started_at
        orders = self.answered.orders | held.orders_done(self.warehouse, since)
        details = self.answered.details | held.details_done(self.warehouse, since)
        timelines = self._still(listing, POINTS_TIMELINE, reader)
        overrides = self._still(listing, OVERRIDES, reader)
        starts = self._timeline_starts() if timelines else {}
        everything = frozenset(self.asked_for(listing))
        wanted = (
            Wanted(
                key,
                detail=key in everything and key not in details,
                orders=key in everything and key not in orders,
                timeline=key in timelines,
                override=key in overrides,
                timeline_since=starts.get(key, HISTORY_START),
            )
            for key in self._chosen(listing)
        )
        return [each for each in wanted if each.calls]

    def affordable(self, wanted: Sequence[Wanted], reader: Reader) -> Sequence[Wanted]:
        """The first of them, as many as this process may call for. A detail that says nothing
        leaves no row: its answer is kept, and asking for it again costs no call."""
        if self.options.calls is None:
            return wanted
        path = reader.request_text(CONTACT, {"contact_id": ""})
        kept = reader.journal.statuses(self.run.run_id, path)

        def cost(each: Wanted) -> int:
            request = reader.request_text(CONTACT, {"contact_id": each.contact_id})
            return each.calls - (each.detail and request in kept)

        spent = accumulate(map(cost, wanted))
        return wanted[: sum(calls <= self.options.calls for calls in spent)]

    def calls_per_contact(self, listing: Listing, reader: Reader) -> PerContactCalls:
        """What is left to be called, and what exports spare."""
        left, asked = self.left(listing, reader), self.asked_for(listing)
        return PerContactCalls(
            details=sum(each.detail for each in left),
            orders=sum(each.orders for each in left),
            details_by_export=sum(key in self.answered.details for key in asked),
            orders_by_export=sum(key in self.answered.orders for key in asked),
            members_not_exported=self.answered.members_missing,
            timelines=self._price(listing, POINTS_TIMELINE, sum(each.timeline for each in left)),
            overrides=self._price(listing, OVERRIDES, sum(each.override for each in left)),
        )

    def minimum(self, listing: Listing, reader: Reader) -> int:
        """Calls of a run without any failure, the declared overlap of pages included."""
        apart = {each.name for each in (CONTACTS, CONTACT, CONTACT_ORDERS, *ON_DEMAND)}
        others = sum(len(asked) for name, asked in reader.questions.items() if name not in apart)
        asked = self.asked_for(listing)
        details = sum(key not in self.answered.details for key in asked)
        orders = sum(key not in self.answered.orders for key in asked)
        demanded = sum(
            len(reader.unanswered[each.name])
            if reader.is_absent(each)
            else len(self.on_demand(listing, each))
            for each in ON_DEMAND
        )
        looked_up = 0 if self.is_sample else len(reader.traces.keys() - reader.listed)
        pages = page_count(listing.total, listing.paging)
        return pages + others + details + orders + demanded + looked_up

    def remind(self, reader: Reader) -> None:
        """What processes before this one have learned about endpoints on demand."""
        since = self.run.started_at
        reader.remember(
            each.name
            for each in ON_DEMAND
            if self.is_on(each) and held.answered_in(self.warehouse, each.name, since)
        )

    def _chosen(self, listing: Listing) -> list[str]:
        """Contacts who may be asked for one by one."""
        return listing.contact_ids[: self.options.sample] if self.options.per_contact else []

    def _still(self, listing: Listing, endpoint: Endpoint, reader: Reader) -> set[str]:
        if not self.is_on(endpoint) or reader.is_absent(endpoint):
            return set()
        done = held.answered_in(self.warehouse, endpoint.name, self.run.started_at)
        asked = self.on_demand(listing, endpoint)
        return asked - done - reader.unanswered.get(endpoint.name, {}).keys()

    def _spared(self, endpoint: Endpoint) -> set[str]:
        if endpoint is not POINTS_TIMELINE:
            return set()
        return on_demand.without_points(self.warehouse)

    def _timeline_starts(self) -> dict[str, int]:
        """A run that is no delta reads all of them whole."""
        if self.delta.basis is None:
            return {}
        return on_demand.since_last_reading(self.warehouse, self.run)

    def _price(self, listing: Listing, endpoint: Endpoint, left: int) -> OnDemand:
        listed = set(listing.contact_ids)
        spared = listed & self._spared(endpoint)
        if self.is_on(endpoint):
            return OnDemand(left, is_on=True, spared=len(spared))
        return OnDemand(len(listed) - len(spared), spared=len(spared))
