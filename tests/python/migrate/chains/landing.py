"""What a delta lands of an account, and what the marts make of it.

Stands in for extraction and dbt, whose rules have their own tests: the list is read whole; what
only a call per contact gives (details, orders) is read again when the contact's row of the list
changed, or at the closing delta for everybody. Who was merged away belongs to the survivor, and the
key that the ledger knows stays in use.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from .source import CONSENTS, LISTED, ORDER_COLUMNS, RANKS, STATUSES, Source, contact_key
from .warehouse import Record, Records


@dataclass
class Landed:
    """What the last delta left in the raw tables."""

    stores: Records = field(default_factory=dict)
    products: Records = field(default_factory=dict)
    contacts: dict[str, Record] = field(default_factory=dict)
    orders: dict[str, Record] = field(default_factory=dict)
    # contact -> gone, hidden or merged
    left: dict[str, str] = field(default_factory=dict)
    survivors: dict[str, str] = field(default_factory=dict)
    # the last that was known of a contact that was merged away
    merged: dict[str, Record] = field(default_factory=dict)


def land(source: Source, before: Landed, *, every_detail: bool) -> Landed:
    """What a delta leaves of the source, on top of what was landed before."""
    after = deepcopy(before)
    after.stores, after.products = deepcopy(source.stores), deepcopy(source.products)
    after.left, after.survivors = dict(source.left), dict(source.survivors)
    after.contacts = {}
    for contact, row in source.contacts.items():
        known = before.contacts.get(contact)
        is_same = known is not None and all(known[name] == row[name] for name in LISTED)
        if is_same and not every_detail:
            after.contacts[contact] = known or {}
            continue
        after.contacts[contact] = dict(row)
        after.orders = {
            key: order for key, order in after.orders.items() if order["contact"] != contact
        }
    asked = {
        contact
        for contact, row in after.contacts.items()
        if row is not before.contacts.get(contact)
    }
    for key, order in source.orders.items():
        if order["contact"] in asked:
            after.orders[key] = deepcopy(order)
    if every_detail:
        # what a contact that was merged away still holds is its survivor's, and was asked for there
        after.orders = {
            key: order
            for key, order in after.orders.items()
            if key in source.orders or source.left.get(order["contact"]) in ("gone", "hidden")
        }
    for contact in source.survivors.keys() - before.survivors.keys():
        if contact in before.contacts:
            after.merged[contact] = before.contacts[contact]
    return after


@dataclass(frozen=True)
class Marts:
    """What the marts hold, who became whom, and orders that wait for a person."""

    rows: Records
    contacts: list[Record]
    quarantined: list[str]
    # contact -> key of the person in use
    keys: dict[str, str]


def marts_of(landed: Landed, known: Collection[str]) -> Marts:
    """The marts over what is landed; `known` are the source keys of persons in the ledger."""
    keys = _person_keys(landed, known)
    persons = {}
    for contact, row in landed.contacts.items():
        persons[keys[contact]] = {**row, **_lowest_consents(landed, contact, row)}
    rows: Records = {
        "organization": dict(landed.stores), "person": persons, "product": dict(landed.products),
        "deal": {}, "deal_product": {}, "note": {}, "activity": {}, "file": {},
    }  # fmt: skip
    quarantined = []
    for key, order in landed.orders.items():
        owner = landed.survivors.get(order["contact"], order["contact"])
        if owner in landed.contacts:
            _put_order(rows, key, order, keys[owner])
        else:
            quarantined.append(key)
    return Marts(rows, _dispositions(landed, keys), quarantined, keys)


def _person_keys(landed: Landed, known: Collection[str]) -> dict[str, str]:
    found = {}
    for contact in landed.contacts:
        group = [contact, *(one for one, now in landed.survivors.items() if now == contact)]
        in_use = [contact_key(one) for one in group if contact_key(one) in known]
        own = contact_key(contact)
        key = own if own in in_use or not in_use else min(in_use)
        found |= dict.fromkeys(group, key)
    return found


def _lowest_consents(landed: Landed, contact: str, row: Record) -> Record:
    """The lowest statement of all contacts that are one person."""
    merged = [
        landed.merged[one]
        for one, now in landed.survivors.items()
        if now == contact and one in landed.merged
    ]
    return {
        column: min((row[column], *(one[column] for one in merged)), key=RANKS.__getitem__)
        for column in CONSENTS
    }


def _put_order(rows: Records, key: str, order: Mapping[str, Any], person: str) -> None:
    status = order["order_status__c"]
    total = sum(line["item_price"] * line["quantity"] for line in order["lines"].values())
    rows["deal"][key] = {
        **{column: order[column] for column in ORDER_COLUMNS},
        "title": f"Order {key.rpartition(':')[2]}",
        "value": total,
        "currency": "USD",
        "status": STATUSES[status],
        "lost_reason": "Refunded" if status == "Refunded" else None,
        "stage__source_key": f"aiq:stage:{status}",
        "person__source_key": person,
    }
    for line, values in order["lines"].items():
        rows["deal_product"][line] = {
            **values, "deal__source_key": key, "comments": f"as sold [{line}]",
        }  # fmt: skip
    if order["note"] is not None:
        note = key.replace("order", "note")
        rows["note"][note] = {
            "deal__source_key": key, "content": f"<p>{order['note']}</p><p>[{note}]</p>",
        }  # fmt: skip


def _dispositions(landed: Landed, keys: Mapping[str, str]) -> list[Record]:
    """As `int_contacts_dispositioned` puts it."""
    found: list[Record] = [
        _disposition(contact, "person", keys[contact], "full") for contact in landed.contacts
    ]
    for contact, how in landed.left.items():
        if how != "merged":
            found.append(_disposition(contact, how, None, "gone"))
        elif landed.survivors[contact] in landed.contacts:
            found.append(_disposition(contact, "merged", keys[contact], "merged_at_source"))
        else:
            found.append(_disposition(contact, "quarantined", None, "survivor_is_not_loaded"))
    return found


def _disposition(contact: str, what: str, person: str | None, reason: str) -> Record:
    return {
        "contact_id": contact,
        "contact_source_key": contact_key(contact),
        "person_source_key": person,
        "disposition": what,
        "reason": reason,
    }
