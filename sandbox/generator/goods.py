"""Products of a dispensary: categories, brands, sizes, prices, SKUs with the flaws tills have.

A product's index is its identity; a SKU may stand for two names. Money in dollars. Raises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sandbox.generator.pools import Pools

# prefix, spellings of the category, words, sizes, price range, quantity in grams
_KINDS: Final = (
    (
        "FLW",
        ("FLOWER", "Flower", "flower"),
        ("Haze", "Kush", "Diesel"),
        ("1/8 oz", "1/4 oz"),
        (18, 65),
    ),
    ("PRE", ("PRE-ROLL", "Pre-Rolls", "Prerolls"), ("Pre-roll", "Blunt"), ("1 g", "5 pk"), (5, 35)),
    (
        "EDI",
        ("EDIBLES", "Edible"),
        ("gummies", "chocolate", "caramels"),
        ("10 pk", "100 mg"),
        (9, 30),
    ),
    ("VAP", ("VAPES", "Vape"), ("cartridge", "pod", "disposable"), ("0.5 g", "1 g"), (20, 60)),
    ("CON", ("CONCENTRATES", "Extract"), ("rosin", "shatter", "badder"), ("1 g",), (25, 70)),
    ("TOP", ("TOPICALS",), ("balm", "lotion"), ("2 oz",), (15, 45)),
    ("ACC", ("ACCESSORIES", "Gear"), ("grinder", "papers", "lighter"), ("each",), (1, 40)),
)
_SPECIES: Final = ("indica", "sativa", "hybrid", "")


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on sale. `view` holds the members that an order line shows of it."""

    index: int
    price: float
    by_weight: bool
    view: dict[str, Any]


def build_products(count: int, *, pools: Pools, rng: Random) -> tuple[Product, ...]:
    """`count` products, the flawed ones among the first."""
    brands = [
        f"{rng.choice(pools.words)} {rng.choice(('Farms', 'Labs', 'Co.'))}" for _ in range(25)
    ]
    products = [_product(index, brands, pools, rng) for index in range(count)]
    _spoil(products)
    return tuple(products)


def _product(index: int, brands: list[str], pools: Pools, rng: Random) -> Product:
    prefix, categories, kinds, sizes, (low, high) = rng.choice(_KINDS)
    strain = f"{rng.choice(pools.words)} {rng.choice(('Haze', 'Cake', 'OG', 'Dream'))}"
    size = rng.choice(sizes)
    name = f"{strain} {size}" if prefix == "FLW" else f"{strain} {rng.choice(kinds)} {size}"
    view = {
        "sku": f"{prefix}-{index:04d}",
        "name": name,
        "category": rng.choice(categories),
        "subcategory": rng.choice(("Indica", "Sativa", "Hybrid", "")),
        "brand": rng.choice(brands),
        "strain": strain,
        "species": rng.choice(_SPECIES),
        "size": size,
        "customAttributes": [{"key": "THC", "value": f"{rng.randint(10, 32)}%"}],
    }
    price = float(rng.randint(low, high)) - rng.choice((0.0, 0.01, 0.5))
    return Product(index, round(price, 2), prefix == "FLW" and index % 9 == 0, view)


def _spoil(products: list[Product]) -> None:
    """Gives the account at least one product of each flaw that catalogues have."""
    flaws: tuple[tuple[int, dict[str, Any]], ...] = (
        (3, {"sku": products[2].view["sku"]}),  # two names under one SKU
        (7, {"sku": products[2].view["sku"].lower()}),
        (11, {"sku": "0004711"}),
        (13, {"sku": "A/B-17"}),
        (17, {"sku": ""}),
        (19, {"sku": None, "brand": None}),
        (23, {"name": "Fish &amp; Smoke&#39;s <b>best</b> 1 g"}),
        (29, {"name": "Purple 🍇 Punch \u200b1 g"}),
        (31, {"name": "Long name " + "x" * 290}),
    )
    for index, flaw in flaws:
        if index < len(products):
            products[index].view.update(flaw)
