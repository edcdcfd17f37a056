"""Which contacts need a call of their own, and the fewest calls that a whole run can do with.

A call is not needed when an export in the inbox answers it, when this run has made it before it
was interrupted, or in a delta when nothing about the contact has changed. Contacts come newest and
most valuable first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from extract.alpine_iq import held
from extract.alpine_iq.calls import PerContactCalls, page_count
from extract.alpine_iq.contacts import Listing
from extract.alpine_iq.delta import Delta
from extract.alpine_iq.journal import Run
from extract.alpine_iq.options import Options
from extract.alpine_iq.per_contact import Wanted
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.settings import CONTACT, CONTACT_ORDERS, CONTACTS
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
        if not self.options.per_contact:
            return []
        chosen = listing.contact_ids[: self.options.sample]
        return [key for key in chosen if key not in self.delta.same]

    def left(self, listing: Listing) -> list[Wanted]:
        """Contacts with a call that neither an export answers nor this run has made."""
        since = self.run.started_at
        orders = self.answered.orders | held.orders_done(self.warehouse, since)
        details = self.answered.details | held.details_done(self.warehouse, since)
        wanted = (
            Wanted(key, detail=key not in details, orders=key not in orders)
            for key in self.asked_for(listing)
        )
        return [each for each in wanted if each.calls]

    def affordable(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """The first of them, as many as this process may call for."""
        if self.options.calls is None:
            return wanted
        spent = accumulate(each.calls for each in wanted)
        return wanted[: sum(calls <= self.options.calls for calls in spent)]

    def calls_per_contact(self, listing: Listing) -> PerContactCalls:
        """What is left to be called, and what exports spare."""
        left, asked = self.left(listing), self.asked_for(listing)
        return PerContactCalls(
            details=sum(each.detail for each in left),
            orders=sum(each.orders for each in left),
            details_by_export=sum(key in self.answered.details for key in asked),
            orders_by_export=sum(key in self.answered.orders for key in asked),
            members_not_exported=self.answered.members_missing,
        )

    def minimum(self, listing: Listing, reader: Reader) -> int:
        """Calls of a run without any failure, the declared overlap of pages included."""
        apart = {CONTACTS.name, CONTACT.name, CONTACT_ORDERS.name}
        others = sum(len(asked) for name, asked in reader.questions.items() if name not in apart)
        asked = self.asked_for(listing)
        details = sum(key not in self.answered.details for key in asked)
        orders = sum(key not in self.answered.orders for key in asked)
        looked_up = 0 if self.is_sample else len(reader.traces.keys() - reader.listed)
        pages = page_count(listing.total, listing.paging)
        return pages + others + details + orders + looked_up
