"""An account at Alpine IQ, and what happens there: edits, sales, deletions, merges."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from .warehouse import AUDIENCES, LABELS, Record, Records

RANKS = {"No": 0, "Unknown": 1, "Yes": 2}
CONSENTS = ("sms_opt_in__c", "email_opt_in__c")
LISTED = (
    "name", "loyalty_points__c", *CONSENTS, "audience_list__c", "label_names", "org__source_key",
    "emails",
)  # fmt: skip
DETAILS = ("birth_date__c", "med_id__c", "refer_code__c")
# status of an order -> status of its deal
STATUSES = {"Completed": "won", "Pending": "open", "Refunded": "lost"}
ORDER_COLUMNS = ("order_status__c", "payment_type__c", "org__source_key")


def contact_key(contact: str) -> str:
    return f"aiq:contact:{contact}"


@dataclass
class Source:
    """The account as it is now."""

    dice: random.Random
    serial: int = 0
    stores: Records = field(default_factory=dict)
    products: Records = field(default_factory=dict)
    contacts: dict[str, Record] = field(default_factory=dict)
    orders: dict[str, Record] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    survivors: dict[str, str] = field(default_factory=dict)
    away: dict[str, tuple[Record, dict[str, Record]]] = field(default_factory=dict)

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def value(self, column: str) -> Any:
        """A new value, which no other edit has."""
        number = self.number()
        return {
            "name": f"Name {number}",
            "loyalty_points__c": float(number),
            "birth_date__c": f"1980-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}",
            "sms_opt_in__c": self.dice.choice(list(RANKS)),
            "email_opt_in__c": self.dice.choice(list(RANKS)),
            "med_id__c": f"M{number}",
            "refer_code__c": f"R{number}",
            "audience_list__c": sorted(self.dice.sample(AUDIENCES[:3], self.dice.randrange(1, 3))),
            "label_names": sorted(self.dice.sample(LABELS[:2], self.dice.randrange(3))),
            "org__source_key": self.dice.choice(sorted(self.stores) or [None]),
            "emails": [{"value": f"p{number}@example.com", "primary": True, "label": "home"}],
            "order_status__c": self.dice.choice(list(STATUSES)),
            "payment_type__c": f"Card {number}",
            "content": f"utm {number}",
            "item_price": float(number),
            "quantity": float(self.dice.randrange(1, 4)),
            "store_phone__c": f"+1503555{number:04}",
            "brand__c": f"Brand {number}",
            "prices": [{"price": float(number), "currency": "USD"}],
        }[column]

    # what happens there

    def new_store(self) -> str:
        key = f"aiq:store:{self.number()}"
        self.stores[key] = {name: self.value(name) for name in ("name", "store_phone__c")}
        return f"new store {key}"

    def new_contact(self) -> str:
        return self.add_contact(str(self.number()))

    def add_contact(self, contact: str) -> str:
        row = {column: self.value(column) for column in (*LISTED, "birth_date__c")}
        for column in ("med_id__c", "refer_code__c"):
            row[column] = self.value(column) if self.dice.random() < 0.5 else None
        self.contacts[contact] = row
        return f"new contact {contact}"

    def new_order(self) -> str:
        if not self.contacts:
            return ""
        contact, number = self.dice.choice(sorted(self.contacts)), self.number()
        order = f"aiq:order:{number}"
        row = {column: self.value(column) for column in ORDER_COLUMNS}
        self.orders[order] = {**row, "contact": contact, "lines": {}, "note": None}
        if self.dice.random() < 0.5:
            self.orders[order]["note"] = self.value("content")
        for _ in range(self.dice.randrange(1, 4)):
            self._new_line(order)
        # an order without points does not show in the list
        if self.dice.random() < 0.7:
            self.contacts[contact]["loyalty_points__c"] = self.value("loyalty_points__c")
        return f"new order {order} of {contact}"

    def _new_line(self, order: str) -> str:
        if not self.products or self.dice.random() < 0.3:
            product = f"aiq:product:{self.number()}"
            columns = ("name", "brand__c", "prices")
            self.products[product] = {name: self.value(name) for name in columns}
        lines = self.orders[order]["lines"]
        line = f"aiq:line:{order.rpartition(':')[2]}:{self.number()}"
        lines[line] = {
            "product__source_key": self.dice.choice(sorted(self.products)),
            "item_price": self.value("item_price"),
            "quantity": self.value("quantity"),
        }
        return line

    def edit_contact(self) -> str:
        if not self.contacts:
            return ""
        contact = self.dice.choice(sorted(self.contacts))
        column = self.dice.choice((*LISTED, *DETAILS))
        row = self.contacts[contact]
        row[column] = self.value(column)
        if column in DETAILS and self.dice.random() < 0.15:
            row[column] = None
        return f"source {contact} {column} {row[column]}"

    def edit_order(self) -> str:
        if not self.orders:
            return ""
        order = self.dice.choice(sorted(self.orders))
        row = self.orders[order]
        what = self.dice.choice((*ORDER_COLUMNS, "content", "line", "item_price", "quantity"))
        if what in ORDER_COLUMNS:
            row[what] = self.value(what)
        elif what == "content":
            row["note"] = row["note"] and self.value(what)
        elif what == "line":
            self._new_line(order)
        else:
            line = self.dice.choice(sorted(row["lines"]))
            row["lines"][line] = {**row["lines"][line], what: self.value(what)}
        return f"source {order} {what}"

    def edit_elsewhere(self) -> str:
        """A store or a product."""
        table = self.dice.choice((self.stores, self.products))
        if not table:
            return ""
        key = self.dice.choice(sorted(table))
        column = self.dice.choice(sorted(table[key]))
        table[key] = {**table[key], column: self.value(column)}
        return f"source {key} {column}"

    def delete_contact(self) -> str:
        if len(self.contacts) < 2:
            return ""
        contact = self.dice.choice(sorted(self.contacts))
        how = self.dice.choice(("gone", "hidden"))
        orders = {key: row for key, row in self.orders.items() if row["contact"] == contact}
        self.away[contact] = (self.contacts.pop(contact), orders)
        for key in orders:
            del self.orders[key]
        self.left[contact] = how
        return f"deleted {contact} {how}"

    def delete_order(self) -> str:
        if not self.orders:
            return ""
        order = self.dice.choice(sorted(self.orders))
        del self.orders[order]
        return f"deleted {order}"

    def come_back(self) -> str:
        if not self.away:
            return ""
        contact = self.dice.choice(sorted(self.away))
        self.contacts[contact], orders = self.away.pop(contact)
        self.orders |= orders
        del self.left[contact]
        return f"back {contact}"

    def merge(self) -> str:
        if len(self.contacts) < 3:
            return ""
        survivor, other = self.dice.sample(sorted(self.contacts), 2)
        return self.merge_into(survivor, other)

    def merge_into(self, survivor: str, other: str) -> str:
        del self.contacts[other]
        self.left[other] = "merged"
        for key in [key for key, now in self.survivors.items() if now == other]:
            self.survivors[key] = survivor
        self.survivors[other] = survivor
        for row in self.orders.values():
            if row["contact"] == other:
                row["contact"] = survivor
        return f"merged {other} into {survivor}"
