"""What is ours in a record whose create was not answered, and which is found afterwards.

Several creates may have been sent for it, also under different plans: any of them may be the one
that landed. What the record shows besides, somebody has given it since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from load.ledger import doubts
from load.ledger.records import Record, Written
from load.ledger.store import Ledger
from load.merge import element_hashes
from load.payload import Catalog, current_value, target_hash
from load.phases import Phase


def written_late(
    ledger: Ledger,
    phase: Phase,
    record: Record,
    found: dict[str, Any],
    catalog: Catalog,
    *,
    salt: str,
    lists: Collection[str],
) -> Written:
    """What the ledger is to know of a record that is found late.

    Columns that hold what an older create sent do not count as planned: an update brings them to
    the plan. `lists` are columns of which people may add elements.
    """
    hashes = sent_hashes(ledger, phase, record, found, catalog, salt=salt)
    creates = doubts.sent_by_creates(ledger, phase.entity, record.source_key)
    older = _older(hashes, creates[-1] if creates else {})
    own = dict(record.own_elements)
    for column in older.intersection(lists):
        value = current_value(phase.entity, column, found, catalog)
        own[column] = element_hashes(column, value, salt=salt)
    return Written(
        pipedrive_id=found["id"],
        payload_hash=None if older else record.payload_hash,
        field_hashes={
            column: one for column, one in record.field_hashes.items() if column not in older
        },
        target_hashes=hashes,
        own_elements=own,
    )


def _older(hashes: Mapping[str, str], newest: Mapping[str, str]) -> set[str]:
    """Columns that hold something else than the newest create sent."""
    return {column for column, one in hashes.items() if newest.get(column, one) != one}


def sent_hashes(
    ledger: Ledger,
    phase: Phase,
    record: Record,
    found: dict[str, Any],
    catalog: Catalog,
    *,
    salt: str,
) -> dict[str, str]:
    """What is ours, by column: what one of the record's creates sent.

    Only where a ledger of an earlier version did not keep what was sent, what is shown counts as
    ours.
    """
    creates = doubts.sent_by_creates(ledger, phase.entity, record.source_key)
    hashes = {}
    for column in record.field_hashes:
        value = current_value(phase.entity, column, found, catalog)
        shown = target_hash(column, value, salt=salt)
        sent = [one[column] for one in creates if column in one]
        hashes[column] = shown if shown in sent or not sent else sent[-1]
    return hashes
