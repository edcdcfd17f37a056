"""Everything that an Alpine IQ account holds, landed as it came: one raw table per resource.

`extract_account` is the way in. The sources below are the table of contents: what is read, in
dependency order, and which module says how. Only Python names are imported here at once; dlt takes
more than a second to import and is loaded by the first call.
"""

# ruff: noqa: PLC0415 - see above: `aiq2pd --help` must not wait for dlt
from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extract.alpine_iq.settings import AlpineIQAccount

if TYPE_CHECKING:
    from dlt.extract import DltSource

    from extract.alpine_iq.calls import CallPlan
    from extract.alpine_iq.contacts import Listing, Paging
    from extract.alpine_iq.per_contact import Slice
    from extract.alpine_iq.reader import Progress, Reader
    from extract.alpine_iq.records import Record
    from extract.alpine_iq.run import ExtractionResult

__all__ = [
    "AlpineIQAccount",
    "account_lists",
    "contact_slice",
    "extract_account",
    "hidden_contacts",
]


def account_lists(reader: Reader, listing: Listing, run_row: Record) -> DltSource:
    """What the account gives as lists. Each replaces its table as a whole."""
    from extract.alpine_iq import audiences, contacts, history, loyalty, stores
    from extract.alpine_iq.landing import resource, source

    return source(
        resource("stores", stores.stores(reader), replaces=True),
        resource("contacts", contacts.contacts(reader, listing), replaces=True),
        resource("audiences", audiences.audiences(reader), replaces=True),
        resource("audience_members", audiences.audience_members(reader), replaces=True),
        resource("loyalty_program", loyalty.loyalty_program(reader), replaces=True),
        resource("discounts", loyalty.discounts(reader), replaces=True),
        resource("discount_groups", loyalty.discount_groups(reader), replaces=True),
        resource("campaigns", loyalty.campaigns(reader), replaces=True),
        resource("adjustments", history.adjustments(reader), replaces=True),
        resource("redemptions", history.redemptions(reader), replaces=True),
        resource("conversions", history.conversions(reader), replaces=True),
        resource("extraction_runs", [[run_row]]),
    )


def contact_slice(each: Slice) -> DltSource:
    """What only a call per contact gives. Upserted, slice by slice."""
    from extract.alpine_iq.landing import resource, source

    return source(
        resource("contact_details", [each.details]),
        resource("contact_orders", [each.orders]),
    )


def hidden_contacts(
    found: Sequence[Record], optins: Sequence[Record], run_row: Record
) -> DltSource:
    """Contacts that the list does not show, and the mark that the run is complete."""
    from extract.alpine_iq.landing import resource, source

    return source(
        resource("hidden_contacts", [found], replaces=True),
        resource("optins", [optins], replaces=True),
        resource("extraction_runs", [[run_row]]),
    )


def extract_account(
    account: AlpineIQAccount,
    data_dir: Path,
    *,
    progress: Progress,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    per_contact: bool = True,
    sample: int | None = None,
    accept_changes: bool = False,
    on_plan: Callable[[CallPlan], None] | None = None,
    paging: Paging | None = None,
    inbox_headers: Path | None = None,
) -> ExtractionResult:
    """Read the whole account, or go on where the last run was stopped.

    `accept_changes` lets a run pass that lost more than 5 % of the contacts, or all points, against
    the last one. `on_plan` is told what it will cost before the calls per contact begin.
    `inbox_headers` is the seed that names the columns of exports: with it `data_dir/inbox` is
    landed first, and no call is made that its files answer. Raises `ConfigError` (2) and
    `RetryLater` (75).
    """
    from extract.alpine_iq.run import Options, extract

    options = Options(
        per_contact=per_contact,
        sample=sample,
        accept_changes=accept_changes,
        paging=paging,
        inbox_headers=inbox_headers,
    )
    return extract(account, data_dir, options, progress=progress, clock=clock, on_plan=on_plan)
