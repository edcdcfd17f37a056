"""What is true of an account, whatever the API shows: for reconciliation tests.

Counts are of what stands in the state now. Raises nothing.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sandbox.alpine_iq.store import EVENT_KINDS, Store

_KINDS: Final = ("store", "audience", "discount", "group", "campaign", "product")


def counts(store: Store) -> dict[str, int]:
    """Rows by kind."""
    tables = {"contacts": "contacts", "orders": "orders", "memberships": "members"}
    found = {name: store.value(f"select count(*) from {table}") for name, table in tables.items()}
    for kind in _KINDS:
        sql = "select count(*) from documents where kind = ?"
        found[f"{kind}s"] = store.value(sql, (kind,))
    for kind in EVENT_KINDS:
        found[f"{kind}s"] = store.value("select count(*) from events where kind = ?", (kind,))
    return found


def truth(store: Store) -> dict[str, Any]:
    """Counts and sums that a complete and correct migration must come to.

    `people_listed` counts human beings behind listed contacts: two contacts of the same one count
    once. Sums are of the lines' totals, in dollars.
    """
    by_hidden = dict(
        store.rows("select coalesce(hidden, 'listed'), count(*) from contacts group by 1")
    )
    orders, lines, total = _sales(store, "hidden is null")
    all_orders, all_lines, all_total = _sales(store, "true")
    return {
        "contacts": by_hidden,
        "people_listed": store.value(
            "select count(distinct person) from contacts where hidden is null"
        ),
        "listed": {"orders": orders, "lines": lines, "total": total},
        "all": {"orders": all_orders, "lines": all_lines, "total": all_total},
        "points_listed": store.value(
            "select round(sum(points), 2) from contacts where hidden is null"
        ),
        "members": dict(
            store.rows("select audience_id, count(*) from members group by 1 order by 1")
        ),
        "counts": counts(store),
    }


def _sales(store: Store, condition: str) -> tuple[int, int, float]:
    row = store.rows(
        "select count(*), coalesce(sum(lines), 0), round(coalesce(sum(total), 0), 2)"
        f" from orders join contacts using (seq) where {condition}"
    )[0]
    return row[0], row[1], row[2]


def hidden(store: Store) -> list[dict[str, Any]]:
    """Every contact that the list leaves out, and why."""
    found = store.rows(
        "select contacts.contact_id, contacts.hidden, survivor.contact_id from contacts"
        " left join contacts as survivor on survivor.seq = contacts.merged_into"
        " where contacts.hidden is not null order by contacts.seq"
    )
    names = ("contactID", "reason", "mergedInto")
    return [dict(zip(names, row, strict=True)) for row in found]


def dump(store: Store, after: int, limit: int) -> list[dict[str, Any]]:
    """Contacts with their orders as stored, by number; the next page starts after the last one."""
    shown = []
    for contact in store.contacts("where seq > ? order by seq limit ?", (after, limit)):
        orders = store.orders(contact.seq, float("inf"))
        shown.append(
            {
                "number": contact.seq,
                "hidden": contact.hidden,
                "contact": msgspec.Raw(contact.doc),
                "orders": [[ts, msgspec.Raw(packed)] for ts, packed in orders],
            }
        )
    return shown
