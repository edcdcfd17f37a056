"""Two reads about one contact that are off by default: changes of its points, and overrides.

Each contact that answered has a row, an empty answer included, so that nobody is asked twice. A
timeline is read whole at first. Later it is read from two days before the last reading's end on,
and the new events take the place of those landed from that moment on; then the row is what a whole
reading would have given, unless the service changed what is older.

Epoch seconds; both ends of a window belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from extract.alpine_iq.journal import Answer, Run
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import data_of, items_of, keyed, members_of, scalar_text
from extract.alpine_iq.settings import HISTORY_START, OVERRIDES, POINTS_TIMELINE
from extract.landing import Warehouse
from extract.records import Record, sha256

OVERLAP: Final = timedelta(hours=48)  # a purchase's points may come so late


def timeline(reader: Reader, contact_id: str, since: int) -> Answer | None:
    """Changes of points from `since` to the start of the run.

    One second more is asked for: nobody has proved that a window holds its first second.
    """
    window = {"start": max(since - 1, HISTORY_START), "end": _end_of(reader.run)}
    return reader.read_about(POINTS_TIMELINE, contact_id, window)


def override(reader: Reader, contact_id: str) -> Answer | None:
    """What staff has set for good, whatever integrations say."""
    return reader.read_about(OVERRIDES, contact_id)


def override_record(contact_id: str, answer: Answer) -> Record:
    """`{"contactID": <as asked>, "override": <as answered; null: none is set>}`."""
    asked = msgspec.json.encode(contact_id)
    payload = b'{"contactID":%s,"override":%s}' % (asked, data_of(answer))
    return keyed(contact_id, payload, answer)


def timeline_record(contact_id: str, answer: Answer) -> Record:
    """The object that came; none is an empty list of events."""
    return _timeline(contact_id, data_of(answer), _events(data_of(answer)), answer)


def joined(record: Record, landed: bytes, since: int) -> Record:
    """The timeline from `since` on after the events before it that the landed one holds."""
    newer = [each for each in _events(record.payload) if not 0 < _dated(each) < since]
    shown = frozenset(newer)
    older = [
        each
        for each in _events(landed)
        if 0 < _dated(each) < since or (not _dated(each) and each not in shown)
    ]
    return _timeline(record.record_key, record.payload, newer + older, record)


def with_older_events(
    warehouse: Warehouse, timelines: Sequence[Record], since: Mapping[str, int]
) -> list[Record]:
    """Timelines that were read in part, made whole by what is landed."""
    part = [each.record_key for each in timelines if each.record_key in since]
    if not part:
        return list(timelines)
    landed: dict[str, str] = dict(
        warehouse.rows(
            f"SELECT record_key, payload FROM {ALPINE_IQ.name}.{POINTS_TIMELINE.name} "
            "WHERE list_contains(?, record_key)",
            [part],
        )
    )
    return [
        joined(each, landed[each.record_key].encode(), since[each.record_key])
        if each.record_key in landed and each.record_key in since
        else each
        for each in timelines
    ]


def since_last_reading(warehouse: Warehouse, run: Run) -> dict[str, int]:
    """By contact, from when on a timeline is to be read that an earlier run has landed.

    The end of its last window stands in the call that gave it.
    """
    rows = warehouse.rows(
        "SELECT record_key, CAST(regexp_extract(request, '[?&]end=([0-9]+)', 1) AS BIGINT) "
        f"FROM {ALPINE_IQ.name}.{POINTS_TIMELINE.name} "
        "WHERE fetched_at < ? AND regexp_matches(request, '[?&]end=[0-9]+')",
        [run.started_at],
    )
    return {key: end - int(OVERLAP.total_seconds()) for key, end in rows}


def without_points(warehouse: Warehouse) -> set[str]:
    """Listed contacts who never were members, have no points and stand in no history of points.

    Nobody else earns points. Where the list does not say all three, the contact is asked for.
    """
    rows = warehouse.rows(
        f"""
        SELECT record_key FROM {ALPINE_IQ.name}.contacts
        WHERE payload ->> 'loyalty' = 'false'
            AND TRY_CAST(payload ->> 'loyaltyPoints' AS DOUBLE) = 0
            AND json_type(payload, '$.loyaltySignupTS') IS NOT NULL
            AND coalesce(payload ->> 'loyaltySignupTS', '0') IN ('0', '')
            AND record_key NOT IN (
                SELECT payload ->> 'cntID' FROM {ALPINE_IQ.name}.adjustments
                WHERE payload ->> 'cntID' IS NOT NULL
                UNION ALL
                SELECT payload ->> 'contactID' FROM {ALPINE_IQ.name}.redemptions
                WHERE payload ->> 'contactID' IS NOT NULL
            )
        """
    )
    return {key for (key,) in rows}


def _end_of(run: Run) -> int:
    return int(run.started_at.timestamp()) + 1


def _events(timeline: bytes) -> list[bytes]:
    return items_of(timeline, "events")


def _dated(event: bytes) -> int:
    """0 for what is dated by nothing that can be read."""
    try:
        return max(int(float(scalar_text(members_of(event).get("ts")) or 0)), 0)
    except (ValueError, OverflowError):
        return 0


def _timeline(
    contact_id: str, found: bytes, events: Sequence[bytes], told: Answer | Record
) -> Record:
    """Members as they came, events in an order of ours: the service promises none."""
    members = members_of(found) or {"contactID": msgspec.Raw(msgspec.json.encode(contact_id))}
    ordered = sorted(events, key=lambda each: (-_dated(each), each))
    whole = {**members, "events": msgspec.Raw(b"[%s]" % b",".join(ordered))}
    payload = msgspec.json.encode(whole)
    return Record(contact_id, payload, sha256(payload), told.request, told.fetched_at)
