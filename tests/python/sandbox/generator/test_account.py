"""What a generated account holds: sizes, dirt, rates, and that it is the same for a seed."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections import Counter
from itertools import islice

import phonenumbers
import pytest

from sandbox.generator import AccountSpec, build_account
from sandbox.generator.dirt import FLAWS


@pytest.fixture(scope="module")
def small():
    return list(build_account(AccountSpec()).bundles())


@pytest.fixture(scope="module")
def large():
    return list(build_account(AccountSpec(personas=6000, seed=3)).bundles())


def _contacts(bundles):
    return [each.persona for each in bundles if each.persona.hidden != "anonymous"]


def _orders(bundles):
    return [order for bundle in bundles for order in bundle.orders]


def _fingerprint(spec):
    digest = hashlib.sha256()
    for each in build_account(spec).bundles():
        orders = [[order.ts, order.packed] for order in each.orders]
        digest.update(json.dumps([each.persona.doc, orders, each.events]).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_account_and_another_seed_another():
    spec = AccountSpec(personas=80, seed=5)
    assert _fingerprint(spec) == _fingerprint(AccountSpec(personas=80, seed=5))
    assert _fingerprint(spec) != _fingerprint(AccountSpec(personas=80, seed=6))


def test_the_default_account_has_the_promised_size(small):
    account = build_account(AccountSpec())
    assert len(_contacts(small)) == 300
    assert 900 <= len(_orders(small)) <= 1300
    assert (len(account.stores), len(account.audiences)) == (3, 12)
    zones = {store.view["timezone"] for store in account.stores}
    assert len(zones) == 3


def test_contact_ids_are_unique_and_their_order_is_no_order_of_insertion(large):
    ids = [each.contact_id for each in _contacts(large)]
    assert len(set(ids)) == len(ids)
    assert ids != sorted(ids)
    assert all(len(each) == 32 for each in ids)


def test_rates_are_those_of_the_fact_sheet(large):
    people = _contacts(large)

    def share(condition):
        return sum(bool(condition(each)) for each in people) / len(people)

    assert share(lambda p: not (p.doc["email"] or "").strip()) == pytest.approx(0.35, abs=0.04)
    assert share(lambda p: not (p.doc["mobilePhone"] or p.doc["homePhone"])) < 0.06
    assert share(lambda p: p.doc["loyalty"]) == pytest.approx(0.60, abs=0.03)
    assert share(lambda p: p.doc["smsconsent"] is True) == pytest.approx(0.38, abs=0.05)
    assert share(lambda p: p.hidden) == pytest.approx(0.016, abs=0.006)
    buyers = {b.persona.contact_id for b in large if b.orders}
    assert share(lambda p: p.contact_id in buyers) == pytest.approx(0.80, abs=0.04)
    lines = [line for order in _orders(large) for line in order.packed[11]]
    refunded = sum(line[1] < 0 for line in lines) / len(lines)
    assert 0.002 < refunded < 0.02


def _name(doc):
    return f"{doc['firstName'] or ''}{doc['lastName'] or ''}"


DIRT = {
    "emoji": lambda doc: any(ord(c) > 0x1F000 for c in _name(doc)),
    "right to left": lambda doc: any("\u0590" <= c <= "\u06ff" for c in _name(doc)),
    "html": lambda doc: "<b>" in _name(doc) and "&#39;" in _name(doc),
    "300 characters": lambda doc: len(doc["lastName"] or "") == 300,
    "null byte": lambda doc: "\x00" in _name(doc),
    "control character": lambda doc: "\x07" in _name(doc),
    "zero width": lambda doc: "\u200b" in _name(doc),
    "no name": lambda doc: doc["firstName"] is None,
    "30 February": lambda doc: doc["birthdate"] == "1990-02-30",
    "leap day": lambda doc: doc["birthdate"] == "1992-02-29",
    "year 1": lambda doc: str(doc["birthdate"]).startswith("0001"),
    "epoch birth date": lambda doc: isinstance(doc["birthdate"], int),
    "padded e-mail": lambda doc: (doc["email"] or "") != (doc["email"] or "").strip(),
    "placeholder e-mail": lambda doc: doc["email"] == "noemail@example.com",
    "phone only": lambda doc: doc["mobilePhone"] and not doc["email"],
    "e-mail only": lambda doc: doc["email"] and not (doc["mobilePhone"] or doc["homePhone"]),
    "neither": lambda doc: not (doc["email"] or doc["mobilePhone"] or doc["homePhone"]),
    "formatted phone": lambda doc: doc["mobilePhone"].startswith("("),
    "deleted store": lambda doc: doc["favoriteStoreID"] == 9,
    "negative points": lambda doc: doc["loyaltyPoints"] < 0,
    "fractional points": lambda doc: doc["loyaltyPoints"] % 1,
    "mixed attributes": lambda doc: any(
        isinstance(each["value"], bool) for each in doc["customAttributes"] or ()
    ),
    "consent as number or text": lambda doc: not isinstance(doc["smsconsent"], bool),
    "opted out after in": lambda doc: (doc["optoutTime"] or 0) > (doc["optinTime"] or 0) > 0,
    "opted in after out": lambda doc: (doc["optinTime"] or 0) > (doc["optoutTime"] or 0) > 0,
    "several source ids": lambda doc: len(doc["srcIDs"] or ()) > 1,
}


@pytest.mark.parametrize("name", DIRT)
def test_the_default_account_shows_each_kind_of_dirty_contact(small, name):
    assert any(DIRT[name](each.doc) for each in _contacts(small))


def test_every_flaw_is_shown_in_an_account_of_its_least_size(small):
    assert len(_contacts(small)) > 4 * len(FLAWS)


def test_every_way_of_being_hidden_is_shown(small):
    reasons = Counter(each.hidden for each in _contacts(small))
    assert set(reasons) == {
        None, "blocklisted", "archived", "internal_archive", "merged", "deleted",
    }  # fmt: skip
    numbers = {each.number for each in _contacts(small) if each.hidden is None}
    merged = [each for each in _contacts(small) if each.hidden == "merged"]
    assert all(each.merged_into in numbers for each in merged)


ODD_ORDERS = {
    "refund": lambda o: o.total < 0,
    "no items": lambda o: o.packed[11][0][0] == -1,
    "zero total": lambda o: o.total == 0 and o.packed[11][0][0] >= 0,
    "sixty lines": lambda o: o.lines == 60,
    "no store": lambda o: o.packed[1] is None,
    "grams": lambda o: any(line[1] == 3.5 for line in o.packed[11]),
    "total that differs": lambda o: o.packed[9] != o.total,
    "attribution as JSON": lambda o: (o.packed[8] or "").startswith("{"),
    "same line twice": lambda o: o.lines > len({json.dumps(line) for line in o.packed[11]}),
}


@pytest.mark.parametrize("name", ODD_ORDERS)
def test_the_default_account_shows_each_kind_of_odd_order(small, name):
    assert any(ODD_ORDERS[name](order) for order in _orders(small))


def test_two_orders_stand_in_one_second_at_one_store(small):
    keys = Counter((b.persona.contact_id, o.ts, o.packed[2]) for b in small for o in b.orders)
    assert max(keys.values()) > 1


def test_one_sku_stands_for_two_names():
    views = [each.view for each in build_account(AccountSpec()).products]
    names = {}
    for view in views:
        names.setdefault(view["sku"], set()).add(view["name"])
    assert any(sku and len(found) > 1 for sku, found in names.items())


def test_orders_and_events_agree_with_totals_and_balances(large):
    for bundle in large:
        doc = bundle.persona.doc
        assert doc["spent"] == pytest.approx(sum(order.total for order in bundle.orders), abs=0.005)
        assert doc["countOfSales"] == len(bundle.orders)
        used = sum(event["points"] for kind, _, event in bundle.events if kind == "redemption")
        assert doc["usedPoints"] == used


def test_families_share_a_phone_and_one_person_comes_from_two_sources(large):
    people = _contacts(large)
    phones = Counter(each.doc["mobilePhone"] for each in people if each.doc["mobilePhone"])
    assert max(phones.values()) > 1
    persons = Counter(each.person for each in people)
    assert max(persons.values()) > 1
    assert sum(count - 1 for count in persons.values()) < len(people) * 0.04


def test_phones_are_valid_and_nobodys(large):
    ten = [p.doc["mobilePhone"] for p in _contacts(large) if len(p.doc["mobilePhone"]) == 10]
    assert len(ten) > 3000
    for digits in ten[:500]:
        assert digits[3:6] == "555"
        assert digits == "5555555555" or phonenumbers.is_valid_number(
            phonenumbers.parse(digits, "US")
        )


def test_one_contact_is_in_300_audiences_when_the_account_has_that_many():
    account = build_account(AccountSpec(personas=20, audiences=320))
    most = max(len(each.persona.audiences) for each in account.bundles())
    assert most == 320


def test_memory_stays_flat_however_many_contacts_are_made():
    bundles = build_account(AccountSpec(personas=100_000)).bundles()
    list(islice(bundles, 300))
    tracemalloc.start()
    for _ in islice(bundles, 2000):
        pass
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 1_000_000
