"""A whole source account: what stands still as one object, contacts as a stream.

    account = build_account(AccountSpec(personas=300, seed=7))
    for bundle in account.bundles():
        ...  # one contact with its orders and events, made when asked for

The stream can be read once per account and holds some dozens of contacts in memory. Raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sandbox.generator.goods import Product, build_products
from sandbox.generator.history import Event, settle
from sandbox.generator.people import Persona, PersonaMaker
from sandbox.generator.places import Store, build_stores
from sandbox.generator.pools import Pools, build_pools
from sandbox.generator.program import (
    build_audiences,
    build_campaigns,
    build_discounts,
    build_groups,
    build_program,
)
from sandbox.generator.sales import Order, SalesMaker
from sandbox.generator.spec import AccountSpec

CAMPAIGNS: Final = 24
_FEWEST_PRODUCTS: Final = 120
_MOST_PRODUCTS: Final = 3000
_MANY_AUDIENCES: Final = 300
_COLLECTOR: Final = 5  # the contact that is in every audience


@dataclass(frozen=True, slots=True)
class Bundle:
    """One contact, its orders (oldest first) and its events."""

    persona: Persona
    orders: list[Order]
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Account:
    """What stands still, and the means to make the rest."""

    spec: AccountSpec
    pools: Pools
    stores: tuple[Store, ...]
    products: tuple[Product, ...]
    audiences: list[dict[str, Any]]
    discounts: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    campaigns: list[dict[str, Any]]
    program: dict[str, Any]

    def bundles(self) -> Iterator[Bundle]:
        """Contacts 1 to `personas`, then the strangers whose sales only exports show."""
        spec, rng = self.spec, Random(self.spec.seed)
        people = PersonaMaker(spec, self.stores, self.pools, rng)
        sales = SalesMaker(
            spec,
            stores=self.stores,
            products=self.products,
            campaigns=self.campaigns,
            pools=self.pools,
            rng=rng,
        )
        rewards = [each for each in self.discounts if not each["tierDiscount"]]
        strangers = max(1, spec.personas // 100)
        for number in range(1, spec.personas + strangers + 1):
            persona = people.make(number)
            if number > spec.personas:
                persona.hidden, persona.merged_into = "anonymous", None
            orders = [] if persona.hidden == "merged" else sales.make(persona)
            events = settle(persona, orders, rewards=rewards, until=spec.until, rng=rng)
            if number <= spec.personas:
                persona.audiences = _audiences_of(persona, self.audiences, rng)
            yield Bundle(persona, orders, events)


def build_account(spec: AccountSpec) -> Account:
    """Everything but the contacts; takes about a second, most of it Faker's."""
    rng = Random(spec.seed)
    pools = build_pools(spec.seed)
    stores = build_stores(spec.stores, uid=spec.uid, pools=pools, rng=rng)
    products = min(_FEWEST_PRODUCTS + spec.personas // 20, _MOST_PRODUCTS)
    audiences = build_audiences(spec.audiences, uid=spec.uid, until=spec.until, rng=rng)
    store_ids = [each.store_id for each in stores]
    return Account(
        spec=spec,
        pools=pools,
        stores=stores,
        products=build_products(products, pools=pools, rng=rng),
        audiences=audiences,
        discounts=build_discounts(audiences, store_ids, spec.until),
        groups=build_groups(),
        campaigns=build_campaigns(
            CAMPAIGNS, uid=spec.uid, audiences=audiences, until=spec.until, rng=rng
        ),
        program=build_program(spec.uid),
    )


def _audiences_of(persona: Persona, audiences: list[dict[str, Any]], rng: Random) -> list[str]:
    """Ids of the audiences that hold the contact; named ones by rule, the rest by chance."""
    if not audiences:
        return []
    if persona.number == _COLLECTOR and len(audiences) >= _MANY_AUDIENCES:
        return [each["id"] for each in audiences]
    doc = persona.doc
    rules = (
        doc["loyalty"],
        doc["spent"] > 500,
        doc["spent"] > 500 and persona.number % 2 == 0,
        persona.number % 3 == 0,
        persona.number % 7 == 0,
        doc["leakyBucket"] in {"at_risk", "lost"},
        bool(doc["customAttributes"]) and "Veteran" in str(doc["customAttributes"]),
        bool(doc["medID"]),
        doc["smsconsent"] is True,
        doc["spent"] > 900,
        persona.number % 20 == 1,
        True,
    )
    chosen = [each["id"] for each, holds in zip(audiences, rules, strict=False) if holds]
    others = len(audiences) - len(rules)
    if others > 0:
        picks = {int(rng.random() * others) for _ in range(int(rng.random() * 4))}
        chosen += [audiences[len(rules) + pick]["id"] for pick in sorted(picks)]
    return chosen
