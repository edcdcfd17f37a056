"""What changes an account after it was made: staff, customers and the service itself.

Edits go through the side door; the API refuses all writes. Raises `BadEdit` when an edit can't be
done, `Refusal` never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from sandbox.alpine_iq.fill import contact_row, source_rows
from sandbox.alpine_iq.store import Contact, Store
from sandbox.alpine_iq.switches import Switches
from sandbox.core import Clock

HIDDEN: Final = ("blocklisted", "archived", "internal_archive", "merged", "deleted")
_ROW: Final = (
    "contact_id, person, hidden, merged_into, visible_from, name, email, mobile, home, source,"
    " inserted, signup, points, used_points"
)


class BadEdit(ValueError):
    """The edit names something that isn't there, or nothing that can be done."""


class Editor:
    """Edits one account."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store = store
        self._clock = clock
        self._switches = switches
        self._rng = Random(int(store.meta("churned") or 0))

    def apply(self, edit: dict[str, Any]) -> dict[str, Any]:
        """One edit as the side door gets it: `{"action": ..., ...}`; answers what it touched."""
        actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "edit_contact": self._edit_contact,
            "insert_contact": self._insert_contact,
            "block_contact": lambda e: self._hide(e, "blocklisted"),
            "archive_contact": lambda e: self._hide(e, e.get("how", "archived")),
            "unhide_contact": lambda e: self._hide(e, None),
            "merge_contact": self._merge_contact,
            "delete_contact": lambda e: self._hide(e, "deleted"),
            "add_order": self._add_order,
            "put_override": self._put_override,
            "put_document": self._put_document,
            "set_members": self._set_members,
        }
        action = actions.get(str(edit.get("action")))
        if action is None:
            raise BadEdit(f"action must be one of {', '.join(sorted(actions))}")
        try:
            return action(edit)
        except KeyError as missing:
            raise BadEdit(f"{edit['action']} needs {missing}") from None

    def _contact(self, contact_id: str) -> Contact:
        contact = self._store.contact(contact_id)
        if contact is None:
            raise BadEdit(f"no contact has the id {contact_id}")
        return contact

    def _edit_contact(self, edit: dict[str, Any]) -> dict[str, Any]:
        contact = self._contact(edit["contactID"])
        doc = {**contact.document(), **edit["values"], "contactID": contact.contact_id}
        self._write(contact, doc)
        return {"contactID": contact.contact_id}

    def _write(self, contact: Contact, doc: dict[str, Any]) -> None:
        row = contact_row(contact.seq, 0, contact.hidden, contact.merged_into, doc)
        self._store.execute(
            "update contacts set name = ?, email = ?, mobile = ?, home = ?, source = ?,"
            " inserted = ?, signup = ?, points = ?, used_points = ? where seq = ?",
            (*row[6:], contact.seq),
        )
        self._store.put_contact_doc(contact.seq, doc)

    def _insert_contact(self, edit: dict[str, Any]) -> dict[str, Any]:
        """A new contact after the pattern of an existing one, with `values` of its own."""
        pattern = self._store.contacts("where hidden is null order by seq limit 1")
        if not pattern:
            raise BadEdit("the account has no contact to take as a pattern")
        seq = int(self._store.value("select max(seq) from contacts")) + 1
        now = self._clock.now()
        new_id = hashlib.blake2b(f"inserted:{seq}".encode(), digest_size=16).hexdigest()
        doc = {**pattern[0].document(), **_blank(seq, int(now)), "contactID": new_id}
        doc.update(edit.get("values", {}))
        row = [*contact_row(seq, seq, None, None, doc)]
        row[5] = now + float(self._switches["delay.members"])
        marks = ", ".join("?" * len(row))
        self._store.execute(f"insert into contacts (seq, {_ROW}) values ({marks})", row)
        self._store.put_contact_doc(seq, doc)
        for source in source_rows(seq, doc):
            self._store.execute("insert into source_ids values (?, ?, ?)", source)
        return {"contactID": doc["contactID"]}

    def _hide(self, edit: dict[str, Any], how: str | None) -> dict[str, Any]:
        if how is not None and how not in HIDDEN:
            raise BadEdit(f"how must be one of {', '.join(HIDDEN)}")
        contact = self._contact(edit["contactID"])
        self._store.execute(
            "update contacts set hidden = ?, merged_into = null where seq = ?", (how, contact.seq)
        )
        return {"contactID": contact.contact_id, "hidden": how}

    def _merge_contact(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Folds one contact into another: orders and source ids move, the id answers for both."""
        loser, winner = self._contact(edit["contactID"]), self._contact(edit["into"])
        store = self._store
        last = store.value("select max(ordinal) from orders where seq = ?", (winner.seq,))
        store.execute(
            "update orders set seq = ?, ordinal = ordinal + ? where seq = ?",
            (winner.seq, (last if last is not None else -1) + 1, loser.seq),
        )
        store.execute("update source_ids set seq = ? where seq = ?", (winner.seq, loser.seq))
        store.execute(
            "update contacts set hidden = 'merged', merged_into = ? where seq = ?",
            (winner.seq, loser.seq),
        )
        self._settle(winner)
        return {"contactID": loser.contact_id, "into": winner.contact_id}

    def _settle(self, contact: Contact) -> None:
        """Spend and number of sales follow the orders."""
        found = self._store.orders(contact.seq, float("inf"))
        orders = [(ts, msgspec.json.decode(packed)) for ts, packed in found]
        doc = contact.document()
        doc["spent"] = round(sum(line[4] for _, packed in orders for line in packed[11]), 2)
        doc["countOfSales"] = len(orders)
        doc["lastSale"] = max((ts for ts, _ in orders), default=None)
        self._write(contact, doc)

    def _add_order(self, edit: dict[str, Any]) -> dict[str, Any]:
        """An order with `lines` of `{product, quantity, price, discount, total}`."""
        contact = self._contact(edit["contactID"])
        now = self._clock.now()
        last = self._store.value("select max(ordinal) from orders where seq = ?", (contact.seq,))
        ordinal = (last if last is not None else -1) + 1
        lines = [
            [
                each.get("product", 0),
                each.get("quantity", 1),
                each.get("price", 10.0),
                each.get("discount", 0.0),
                each.get("total", 10.0),
            ]
            for each in edit.get("lines", [{}])
        ]
        order_id = str(edit.get("orderID", f"R-NEW-{contact.seq}-{ordinal}"))
        packed = [
            order_id,
            edit.get("storeID", 16),
            edit.get("storeName"),
            "leaflogix",
            edit.get("status", "completed"),
            "in-store",
            "cash",
            "",
            edit.get("attr"),
            round(sum(line[4] for line in lines), 2),
            None,
            lines,
        ]
        visible_from = now + float(self._switches["delay.sales"])
        self._store.execute(
            "insert into orders values (?, ?, ?, ?, ?, ?, ?)",
            (
                contact.seq,
                ordinal,
                int(edit.get("timestamp", now)),
                visible_from,
                len(lines),
                packed[9],
                msgspec.json.encode(packed),
            ),
        )
        self._settle(contact)
        return {"contactID": contact.contact_id, "orderID": order_id}

    def _put_override(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Permanent values of a contact; list and look-up show them at once."""
        contact = self._contact(edit["contactID"])
        doc = {
            "contactID": contact.contact_id,
            "overrides": edit["values"],
            "updated": int(self._clock.now()),
        }
        if "rewardOverrides" in edit:
            doc["rewardOverrides"] = edit["rewardOverrides"]
        self._store.put_document("override", contact.contact_id, 0, doc)
        self._write(contact, {**contact.document(), **edit["values"]})
        return {"contactID": contact.contact_id}

    def _put_document(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Replaces members of a store, an audience, a discount, a campaign."""
        found = self._store.document(edit["kind"], str(edit["id"]))
        known = {} if found is None else msgspec.json.decode(found)
        count = self._store.value("select count(*) from documents where kind = ?", (edit["kind"],))
        position = self._store.value(
            "select position from documents where kind = ? and id = ?",
            (edit["kind"], str(edit["id"])),
        )
        doc = {**known, **edit["values"]}
        place = count if position is None else position
        self._store.put_document(edit["kind"], str(edit["id"]), place, doc)
        return {"kind": edit["kind"], "id": str(edit["id"])}

    def _set_members(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Replaces the members of an audience."""
        audience_id = str(edit["audienceID"])
        self._store.execute("delete from members where audience_id = ?", (audience_id,))
        for contact_id in edit["contactIDs"]:
            seq = self._contact(contact_id).seq
            self._store.execute("insert into members values (?, ?)", (audience_id, seq))
        return {"audienceID": audience_id, "members": len(edit["contactIDs"])}

    def churn(self) -> None:
        """One change that moves rows of the list: a new, a blocked or a renamed contact."""
        self._store.set_meta("churned", int(self._store.meta("churned") or 0) + 1)
        kind = ("insert", "block", "rename")[int(self._rng.random() * 3)]
        if kind == "insert":
            self._insert_contact({"values": {"firstName": "Aaron", "lastName": "Newcomer"}})
            return
        count = self._store.value("select count(*) from contacts where hidden is null")
        found = self._store.contacts(
            "where hidden is null order by contact_id limit 1 offset ?",
            (int(self._rng.random() * count),),
        )
        for contact in found:
            if kind == "block":
                self._hide({"contactID": contact.contact_id}, "blocklisted")
            else:
                self._write(contact, {**contact.document(), "lastName": "Zuse-Renamed"})


def _blank(seq: int, now: int) -> dict[str, Any]:
    """What a contact that has just arrived has, and has not."""
    return {
        "srcID": f"900{seq}",
        "srcIDs": [{"source": "loyalty", "id": f"900{seq}"}],
        "firstName": "New",
        "lastName": f"Contact {seq}",
        "email": f"new.contact{seq}@example.com",
        "mobilePhone": "",
        "homePhone": "",
        "inserted": now,
        "loyalty": False,
        "loyaltySignupTS": None,
        "loyaltyPoints": 0,
        "usedPoints": 0,
        "lifetimePoints": 0,
        "tier": None,
        "spent": 0,
        "countOfSales": 0,
        "lastSale": None,
        "optinTime": None,
        "optoutTime": None,
        "optreqTime": None,
        "hasRequested": None,
        "emailOptInTime": None,
        "emailOptOutTime": None,
        "smsconsent": False,
        "customAttributes": None,
        "audienceIDs": [],
    }
