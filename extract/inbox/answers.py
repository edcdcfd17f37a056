"""Which calls per contact the exports in the inbox answer.

The personas export answers a contact's detail when it has the columns of `DETAIL_MEMBERS`: the
values for which the detail is asked. The sales export answers a contact's orders when it has lines
of that contact, or was made for an audience whose members the personas export lists, this contact
among them: then no line means no order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from extract.inbox.check import InboxReport
from extract.inbox.files import HIDDEN_CONTACTS, PERSONAS, SALES_LINES
from extract.inbox.landing import TABLES
from extract.landing import Warehouse

DETAIL_MEMBERS: Final = (
    "srcIDs", "birthdate", "gender", "medID", "address", "city", "state", "zip"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answered:
    """Contact ids by call that is not needed; members that the detail would give and no export."""

    details: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    look_ups: frozenset[str] = frozenset()
    traces: tuple[tuple[str, str], ...] = ()
    members_missing: tuple[str, ...] = ()


def answered_by(warehouse: Warehouse, report: InboxReport, *, fresh: datetime) -> Answered:
    """What the files of the report answer, now that they are landed.

    A file made before `fresh` (UTC) still tells traces, but spares no call: what a contact did
    since is not in it.
    """
    recent = [checked for checked in report.files if checked.file.as_of >= fresh]
    personas = [checked for checked in recent if checked.file.kind == PERSONAS]
    sales = [checked.file for checked in recent if checked.file.kind == SALES_LINES]
    hidden = [checked.file for checked in report.files if checked.file.kind == HIDDEN_CONTACTS]
    audiences = {file.audience for file in sales}
    missing: dict[str, None] = {}
    details: set[str] = set()
    orders = set(_contact_ids(warehouse, SALES_LINES, [file.origin for file in sales]))
    for checked in personas:
        ids = _contact_ids(warehouse, PERSONAS, [checked.file.origin])
        lacking = [member for member in DETAIL_MEMBERS if member not in checked.members]
        missing.update(dict.fromkeys(lacking))
        if not lacking:
            details.update(ids)
        if checked.file.audience in audiences:
            orders.update(ids)
    look_ups = _contact_ids(warehouse, HIDDEN_CONTACTS, [file.origin for file in hidden])
    traces = [
        (contact_id, f"export_{kind}")
        for kind in (PERSONAS, SALES_LINES)
        for contact_id in sorted(_contact_ids(warehouse, kind, _origins(report, kind)))
    ]
    return Answered(
        frozenset(details), frozenset(orders), frozenset(look_ups), tuple(traces), tuple(missing)
    )


def _origins(report: InboxReport, kind: str) -> list[str]:
    return [checked.file.origin for checked in report.files if checked.file.kind == kind]


def _contact_ids(warehouse: Warehouse, kind: str, origins: list[str]) -> set[str]:
    if not origins:
        return set()
    rows = warehouse.rows(
        "SELECT DISTINCT trim(payload ->> 'contactID') "
        f"FROM {warehouse.dataset}.{TABLES[kind]} WHERE split_part(request, '#', 1) = ANY(?)",
        [origins],
    )
    return {contact_id for (contact_id,) in rows if contact_id}
