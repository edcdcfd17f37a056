"""How much of each kind of dirt an account of 5,000 people really has.

The table is printed by `pytest -s`; `docs/sandbox.md` shows it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.generator import Account, AccountSpec, Bundle, audiences_of, build_account

PERSONAS = 5_000
AROUND_MIDNIGHT = {"23:59:58", "23:59:59", "00:00:00", "00:00:01", "00:00:02"}


@dataclass(frozen=True)
class Sample:
    account: Account
    bundles: list[Bundle]

    @property
    def docs(self):
        return [each.persona.doc for each in self.bundles if each.persona.hidden != "anonymous"]

    @property
    def orders(self):
        return [order for each in self.bundles for order in each.orders]


@pytest.fixture(scope="module")
def sample() -> Sample:
    account = build_account(AccountSpec(PERSONAS, audiences=audiences_of(PERSONAS)))
    return Sample(account, list(account.bundles()))


def _names(doc):
    return f"{doc['firstName'] or ''}{doc['lastName'] or ''}"


def docs_with(condition: Callable[[dict], object]) -> Callable[[Sample], int]:
    return lambda sample: sum(bool(condition(doc)) for doc in sample.docs)


def orders_with(condition: Callable[..., object]) -> Callable[[Sample], int]:
    return lambda sample: sum(bool(condition(order)) for order in sample.orders)


def phones_like(pattern: str) -> Callable[[Sample], int]:
    return docs_with(lambda doc: re.fullmatch(pattern, doc["mobilePhone"] or ""))


def orders_of(*hidden: str) -> Callable[[Sample], int]:
    return lambda sample: sum(
        len(each.orders) for each in sample.bundles if each.persona.hidden in hidden
    )


def from_two_sources(sample):
    sources = defaultdict(set)
    for each in sample.bundles:
        sources[each.persona.person].add(each.persona.contact_id)
    return sum(len(found) > 1 for found in sources.values())


def shared_phones(sample):
    people = defaultdict(set)
    for each in sample.bundles:
        people[each.persona.doc["mobilePhone"]].add(each.persona.person)
    return sum(len(found) > 1 for phone, found in people.items() if phone)


def skus_with_two_names(sample):
    names = defaultdict(set)
    for product in sample.account.products:
        names[(product.view["sku"] or "").casefold()].add(product.view["name"])
    return sum(len(found) > 1 for sku, found in names.items() if sku)


def colliding_audiences(sample):
    names = Counter(each["name"].casefold() for each in sample.account.audiences)
    return sum(count > 1 for count in names.values())


def in_300_audiences(sample):
    return sum(len(each.persona.audiences) >= 300 for each in sample.bundles)


def keys_of_mixed_types(sample):
    types = defaultdict(set)
    for doc in sample.docs:
        for each in doc["customAttributes"] or ():
            types[each["key"]].add(type(each["value"]))
    return sum(len(found) > 1 for found in types.values())


def around_midnight(sample):
    zones = [ZoneInfo(store.view["timezone"]) for store in sample.account.stores]
    return sum(
        any(
            datetime.fromtimestamp(order.ts, zone).strftime("%H:%M:%S") in AROUND_MIDNIGHT
            for zone in zones
        )
        for order in sample.orders
    )


DIRT: dict[str, Callable[[Sample], int]] = {
    "one person as two contacts": from_two_sources,
    "several source ids on a contact": docs_with(lambda doc: len(doc["srcIDs"] or ()) > 1),
    "family members under one phone": shared_phones,
    "phone only": docs_with(lambda doc: doc["mobilePhone"] and not (doc["email"] or "").strip()),
    "e-mail only": docs_with(
        lambda doc: doc["email"] and not (doc["mobilePhone"] or doc["homePhone"])
    ),
    "phone as ten digits": phones_like(r"\d{10}"),
    "phone as +1 and digits": phones_like(r"\+1\d{10}"),
    "phone as 1 and digits": phones_like(r"1\d{10}"),
    "phone with brackets": phones_like(r"\(\d{3}\) \d{3}-\d{4}"),
    "phone with dots": phones_like(r"\d{3}\.\d{3}\.\d{4}"),
    "phone with blanks": phones_like(r"\+1 \d{3} \d{3} \d{4}"),
    "phone with an extension": phones_like(r".* ext\. 4"),
    "phone too short": phones_like(r"\d{9}"),
    "impossible birth date": docs_with(lambda doc: doc["birthdate"] == "1990-02-30"),
    "leap-day birth date": docs_with(lambda doc: doc["birthdate"] == "1992-02-29"),
    "emoji in a name": docs_with(lambda doc: any(ord(c) > 0x1F000 for c in _names(doc))),
    "right-to-left name": docs_with(lambda doc: re.search("[\u0590-\u06ff]", _names(doc))),
    "HTML in a name": docs_with(lambda doc: "<script>" in _names(doc)),
    "value of 300 characters": docs_with(lambda doc: len(doc["lastName"] or "") == 300),
    "null byte": docs_with(lambda doc: "\x00" in _names(doc)),
    "negative points": docs_with(lambda doc: doc["loyaltyPoints"] < 0),
    "mixed types in one custom property": keys_of_mixed_types,
    "refund with negative quantities": orders_with(lambda o: any(x[1] < 0 for x in o.packed[11])),
    "order of an unknown contact": orders_of("anonymous"),
    "order of a blocklisted contact": orders_of("blocklisted"),
    "order without items": orders_with(lambda o: o.packed[11][0][0] == -1),
    "order with a zero total": orders_with(lambda o: o.total == 0 and o.packed[11][0][0] >= 0),
    "order around midnight": around_midnight,
    "SKU with different names": skus_with_two_names,
    "audience names equal when case-folded": colliding_audiences,
    "contact in 300 audiences or more": in_300_audiences,
}


@pytest.mark.parametrize("kind", DIRT)
def test_an_account_of_5000_has_each_kind_of_dirt(sample, kind):
    count = DIRT[kind](sample)
    print(f"| {kind} | {count:,} |")  # noqa: T201
    assert count > 0
