"""Everything that an Alpine IQ account holds, landed as it came: one raw table per resource.

`extract_account` is the way in. The sources below are the table of contents: what is read, in
dependency order, and which module says how. Only Python names are imported here at once; dlt takes
more than a second to import and is loaded by the first call.
"""

# ruff: noqa: PLC0415 - see above: `aiq2pd --help` must not wait for dlt
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extract.alpine_iq.settings import AlpineIQAccount
from extract.folder import private_folder

if TYPE_CHECKING:
    from dlt.extract import DltResource

    from extract.alpine_iq.calls import CallPlan
    from extract.alpine_iq.contacts import Listing, Paging
    from extract.alpine_iq.per_contact import Slice
    from extract.alpine_iq.reader import Progress, Reader
    from extract.alpine_iq.run import ExtractionResult
    from extract.inbox import InboxReport
    from extract.records import Record

__all__ = [
    "AlpineIQAccount",
    "account_lists",
    "contact_slice",
    "extract_account",
    "hidden_contacts",
    "land_exports",
]


def account_lists(
    reader: Reader, listing: Listing, run_row: Record, *, since: datetime | None = None
) -> list[DltResource]:
    """What the account gives as lists. Each replaces its table as a whole.

    With `since`, the start of the last complete run, the histories are read back to it and an
    overlap beyond it, and added to what is there.
    """
    from extract.alpine_iq import audiences, contacts, history, loyalty, stores
    from extract.alpine_iq.delta import HISTORY_OVERLAPS

    kept = _replaces if since is None else _upserts

    return [
        _replaces("stores", stores.stores(reader)),
        _replaces("contacts", contacts.contacts(reader, listing)),
        _replaces("audiences", audiences.audiences(reader)),
        _replaces("audience_members", audiences.audience_members(reader)),
        _replaces("loyalty_program", loyalty.loyalty_program(reader)),
        _replaces("discounts", loyalty.discounts(reader)),
        _replaces("discount_groups", loyalty.discount_groups(reader)),
        _replaces("campaigns", loyalty.campaigns(reader)),
        kept("adjustments", history.adjustments(reader, since, HISTORY_OVERLAPS["adjustments"])),
        kept("redemptions", history.redemptions(reader, since, HISTORY_OVERLAPS["redemptions"])),
        kept("conversions", history.conversions(reader, since, HISTORY_OVERLAPS["conversions"])),
        _upserts("extraction_runs", [[run_row]]),
    ]


def contact_slice(each: Slice, watermarks: Sequence[Record]) -> list[DltResource]:
    """What only a call per contact gives, and what the list said then. Upserted, by slice; a table
    that nobody asked for is not made."""
    demanded = {"points_timelines": each.timelines, "overrides": each.overrides}
    return [
        _upserts("contact_details", [each.details]),
        _upserts("contact_orders", [each.orders]),
        _upserts("contact_watermarks", [watermarks]),
        *(_upserts(name, [records]) for name, records in demanded.items() if records),
    ]


def hidden_contacts(
    found: Sequence[Record], optins: Sequence[Record], run_row: Record
) -> list[DltResource]:
    """Contacts that the list does not show, and the mark that the run is complete."""
    return [
        _replaces("hidden_contacts", [found]),
        _replaces("optins", [optins]),
        *mark(run_row),
    ]


def mark(run_row: Record) -> list[DltResource]:
    """The mark that the run is complete."""
    return [_upserts("extraction_runs", [[run_row]])]


def _replaces(name: str, records: Iterable[Sequence[Record]]) -> DltResource:
    from extract.landing import resource, tables_of

    return resource(name, tables_of(records), "replace")


def _upserts(name: str, records: Iterable[Sequence[Record]]) -> DltResource:
    from extract.landing import resource, tables_of

    return resource(name, tables_of(records), "upsert")


def land_exports(data_dir: Path, headers_seed: Path, *, uid: str = "") -> InboxReport:
    """Land the inbox and make no call: all that an account without API access can give.

    Raises `ConfigError` for a file with problems, `RetryLater` while another extraction runs.
    """
    from extract.alpine_iq.landing import ALPINE_IQ
    from extract.inbox.landing import land_inbox
    from extract.landing import Warehouse

    with private_folder(data_dir):
        warehouse = Warehouse(data_dir, ALPINE_IQ)
        return land_inbox(warehouse, data_dir / "inbox", headers_seed, uid=uid)


def extract_account(
    account: AlpineIQAccount,
    data_dir: Path,
    *,
    progress: Progress,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    per_contact: bool = True,
    sample: int | None = None,
    calls: int | None = None,
    accept_changes: bool = False,
    on_plan: Callable[[CallPlan], None] | None = None,
    paging: Paging | None = None,
    inbox_headers: Path | None = None,
    delta: bool = False,
    timelines: bool = False,
    overrides: bool = False,
) -> ExtractionResult:
    """Read the whole account, or go on where the last run was stopped.

    `accept_changes` lets a run pass that lost more than 5 % of the contacts, or all points, against
    the last one. `on_plan` is told what it will cost before the calls per contact begin.
    `inbox_headers` is the seed that names the columns of exports: with it `data_dir/inbox` is
    landed first, and no call is made that its files answer. `delta` asks only for contacts that
    changed since they were last asked for (see `extract.alpine_iq.delta`). After `calls` calls one
    by one the run stops with `RetryLater`, its contacts landed; the next process goes on.
    `timelines` and `overrides` make a call more per contact each: `extract.alpine_iq.on_demand`.

    Raises `ConfigError` (2) and `RetryLater` (75).
    """
    from extract.alpine_iq.options import Options
    from extract.alpine_iq.run import extract

    options = Options(
        per_contact=per_contact,
        sample=sample,
        calls=calls,
        accept_changes=accept_changes,
        paging=paging,
        inbox_headers=inbox_headers,
        delta=delta,
        timelines=timelines,
        overrides=overrides,
    )
    options.check()
    return extract(account, data_dir, options, progress=progress, clock=clock, on_plan=on_plan)
