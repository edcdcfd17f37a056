"""What a delta asks for again, and what it finds that came late.

The service filters nothing by time of change but its histories. So the list is read whole and
compared by hash; a contact is asked for again when its row, or what the histories say about it, is
not what it was when it was last asked for. That state stands beside the contact's own rows
(`contact_watermarks`), landed in the same package: a killed delta goes on like any other run, and
ends in the tables of one that nobody disturbed.

What the list does not show (address, birth date, an order without points) can change unseen. Each
delta therefore asks for a slice of the others too, and a full extraction for all of them; how old
each detail is stands in `discovery.disc_detail_ages`.

A row counts as late when it is dated before the last complete run began and was not there then.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from extract.alpine_iq import held, history
from extract.alpine_iq.contacts import Listing
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.per_contact import Slice
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import items_of, members_of, scalar_text
from extract.alpine_iq.settings import (
    ADJUSTMENTS,
    CONVERSIONS,
    REDEMPTIONS,
    ROLLING_SLICES,
)
from extract.landing import Warehouse
from extract.records import Record

OVERLAP: Final = timedelta(hours=48)
# attribution moves conversions into the past
CONVERSION_OVERLAP: Final = timedelta(days=15)
HISTORY_OVERLAPS: Final = {
    ADJUSTMENTS.name: OVERLAP,
    REDEMPTIONS.name: OVERLAP,
    CONVERSIONS.name: CONVERSION_OVERLAP,
}
WATERMARKS: Final = "contact_watermarks"
_LINE_IDENTITY: Final = ("timestamp", "storeName", "name", "quantity", "totalPrice")


@dataclass(frozen=True, slots=True)
class Basis:
    """The last complete run: when it began, and how many there were."""

    since: datetime
    complete_runs: int


@dataclass(slots=True)
class Delta:
    """What one run knows of the runs before it. Without a basis everything is asked for."""

    basis: Basis | None = None
    marks: dict[str, str] = field(default_factory=dict)
    same: set[str] = field(default_factory=set)
    late: dict[str, int] = field(default_factory=dict)
    moved: int = 0

    @property
    def since(self) -> datetime | None:
        return self.basis.since if self.basis is not None else None

    def before_landing(self, reader: Reader, warehouse: Warehouse, listing: Listing) -> None:
        """What came late, told from what the warehouse holds until now."""
        if self.basis is not None:
            self.late = late_rows(reader, warehouse, listing, self.basis)

    def after_lists(self, reader: Reader, warehouse: Warehouse) -> None:
        """Which contacts are as they were when they were last asked for."""
        self.marks = marks(warehouse)
        done = held.orders_done(warehouse, reader.run.started_at)
        self.moved = moved(warehouse, self.marks) + len(done)
        if self.basis is None:
            return
        self.same = unchanged(warehouse, self.marks, self.basis) - done
        for contact_id, where in held.ids_in_histories(warehouse):
            reader.saw(contact_id, where)

    def seen(
        self, reader: Reader, warehouse: Warehouse, each: Slice, now: datetime
    ) -> list[Record]:
        """The watermarks of a slice, before it is landed."""
        lines = late_lines(warehouse, each.orders, self.basis) if self.basis is not None else {}
        return watermarks(each.asked, self.marks, lines, run_id=reader.run.run_id, at=now)

    def late_in_all(self, reader: Reader, warehouse: Warehouse) -> dict[str, int]:
        """Late arrivals by resource, order lines included."""
        if self.basis is None:
            return {}
        return {**self.late, "order_lines": late_lines_of(warehouse, reader.run.run_id)}


def basis(warehouse: Warehouse) -> Basis | None:
    """What a delta builds on; None when no extraction was ever completed."""
    rows = warehouse.rows(
        "SELECT max(CAST(payload ->> 'started_at' AS TIMESTAMPTZ)), count(*) "
        f"FROM {ALPINE_IQ.name}.extraction_runs WHERE payload ->> 'state' = 'closed'"
    )
    if not rows or rows[0][0] is None:
        return None
    return Basis(*rows[0])


def late_rows(
    reader: Reader, warehouse: Warehouse, listing: Listing, found: Basis
) -> dict[str, int]:
    """Late arrivals by raw table. Read before anything is landed, and once in a run."""
    kept = warehouse.rows(
        f"SELECT payload ->> 'late' FROM {ALPINE_IQ.name}.extraction_runs WHERE record_key = ?",
        [reader.run.run_id],
    )
    if kept and kept[0][0]:
        return {str(name): int(count) for name, count in msgspec.json.decode(kept[0][0]).items()}
    known = {key for (key,) in warehouse.rows(f"SELECT record_key FROM {ALPINE_IQ.name}.contacts")}
    hidden = {
        key for (key,) in warehouse.rows(f"SELECT record_key FROM {ALPINE_IQ.name}.hidden_contacts")
    }
    before = found.since.timestamp()
    late = {
        "contacts": sum(
            inserted < before
            for key, (inserted, _) in listing.rank.items()
            if key not in known and key not in hidden
        )
    }
    for name, overlap in HISTORY_OVERLAPS.items():
        held = {key for (key,) in warehouse.rows(f"SELECT record_key FROM {ALPINE_IQ.name}.{name}")}
        keys = set(history.keys_before(reader, name, found.since, overlap))
        late[name] = len(keys - held)
    return late


def marks(warehouse: Warehouse) -> dict[str, str]:
    """For each contact of the landed list, a hash of its row and of the history rows about it."""
    rows = warehouse.rows(
        f"""
        WITH activity AS (
            SELECT payload ->> 'cntID' AS contact_id, record_key FROM {ALPINE_IQ.name}.adjustments
            UNION ALL
            SELECT payload ->> 'contactID', record_key FROM {ALPINE_IQ.name}.redemptions
            UNION ALL
            SELECT payload ->> 'contactID', record_key FROM {ALPINE_IQ.name}.conversions
        ), gathered AS (
            SELECT contact_id, string_agg(record_key, ' ' ORDER BY record_key) AS keys
            FROM activity GROUP BY contact_id
        )
        SELECT contacts.record_key, md5(concat_ws(' ', contacts.content_hash, gathered.keys))
        FROM {ALPINE_IQ.name}.contacts AS contacts
        LEFT JOIN gathered ON contacts.record_key = gathered.contact_id
        """
    )
    return dict(rows)


def moved(warehouse: Warehouse, now: Mapping[str, str]) -> int:
    """Contacts that are new, changed or left the list since they were last asked for.

    0 says that the source stood still between two reads. Those of a run that was interrupted are
    counted in full: it can't tell any more.
    """
    seen: dict[str, str] = dict(
        warehouse.rows(f"SELECT record_key, content_hash FROM {ALPINE_IQ.name}.{WATERMARKS}")
    )
    hidden: set[str] = {
        key for (key,) in warehouse.rows(f"SELECT record_key FROM {ALPINE_IQ.name}.hidden_contacts")
    }
    left = seen.keys() - now.keys() - hidden
    return sum(seen.get(key) != mark for key, mark in now.items()) + len(left)


def unchanged(warehouse: Warehouse, now: Mapping[str, str], found: Basis) -> set[str]:
    """Contacts that this delta need not ask for."""
    rows = warehouse.rows(f"SELECT record_key, content_hash FROM {ALPINE_IQ.name}.{WATERMARKS}")
    turn = found.complete_runs % ROLLING_SLICES
    return {key for key, mark in rows if now.get(key) == mark and _slice_of(key) != turn}


def watermarks(
    contact_ids: Iterable[str],
    now: Mapping[str, str],
    late_lines: Mapping[str, int],
    *,
    run_id: str,
    at: datetime,
) -> list[Record]:
    """One row per contact that was asked for: its mark, and the order lines that came late."""
    return [
        Record(
            contact_id,
            msgspec.json.encode({"run_id": run_id, "late_lines": late_lines.get(contact_id, 0)}),
            now[contact_id],
            "derived",
            at,
        )
        for contact_id in contact_ids
        if contact_id in now
    ]


def late_lines(warehouse: Warehouse, orders: Sequence[Record], found: Basis) -> dict[str, int]:
    """By contact, order lines dated before the last complete run that it did not see."""
    keys = [each.record_key for each in orders]
    held = dict(
        warehouse.rows(
            f"SELECT record_key, payload FROM {ALPINE_IQ.name}.contact_orders "
            "WHERE list_contains(?, record_key)",
            [keys],
        )
    )
    before = int(found.since.timestamp())
    counts: dict[str, int] = {}
    for each in orders:
        there = Counter(_lines(str(held.get(each.record_key, "{}")).encode()))
        new = Counter(_lines(each.payload)) - there
        counts[each.record_key] = sum(n for line, n in new.items() if _dated(line) < before)
    return counts


def no_longer_listed(warehouse: Warehouse) -> dict[str, int]:
    """Contacts that a list once showed and the present one doesn't, by what the service says."""
    rows = warehouse.rows(
        f"""
        SELECT coalesce(hidden.payload ->> 'found', 'unknown'), count(*)
        FROM {ALPINE_IQ.name}.{WATERMARKS} AS once
        ANTI JOIN {ALPINE_IQ.name}.contacts AS listed ON once.record_key = listed.record_key
        LEFT JOIN {ALPINE_IQ.name}.hidden_contacts AS hidden
            ON once.record_key = hidden.record_key
        GROUP BY 1 ORDER BY 1
        """
    )
    return dict(rows)


def late_lines_of(warehouse: Warehouse, run_id: str) -> int:
    """Late order lines that a run has found."""
    rows = warehouse.rows(
        f"SELECT coalesce(sum(CAST(payload ->> 'late_lines' AS BIGINT)), 0) "
        f"FROM {ALPINE_IQ.name}.{WATERMARKS} WHERE payload ->> 'run_id' = ?",
        [run_id],
    )
    return int(rows[0][0]) if rows else 0


def _lines(payload: bytes) -> Iterator[tuple[str, ...]]:
    for line in items_of(bytes(members_of(payload).get("lines", b"[]"))):
        members = members_of(line)
        yield tuple(scalar_text(members.get(name)) for name in _LINE_IDENTITY)


def _dated(line: tuple[str, ...]) -> int:
    return int(line[0]) if line[0].isdigit() else 0


def _slice_of(contact_id: str) -> int:
    digest = hashlib.blake2b(contact_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % ROLLING_SLICES
