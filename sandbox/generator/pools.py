"""Words to draw from: Faker fills pools once per account, sampling from them is ours and fast.

Faker makes about 20,000 names a second; an account of a million personas needs five million values.
Raises nothing of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from faker import Faker

_FOREIGN: Final = ("es_MX", "vi_VN", "ja_JP", "he_IL", "ar_AA")
_FIRST, _LAST, _STREETS, _WORDS, _EMPLOYEES = 1500, 2500, 1500, 600, 40


@dataclass(frozen=True, slots=True)
class Pools:
    """Everything that reads like a name."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    foreign: tuple[tuple[str, str], ...]
    right_to_left: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    words: tuple[str, ...]
    employees: tuple[str, ...]


def build_pools(seed: int) -> Pools:
    """Pools that depend on the seed alone."""
    fake = Faker("en_US")
    fake.seed_instance(seed)
    foreign: list[tuple[str, str]] = []
    right_to_left: list[tuple[str, str]] = []
    for locale in _FOREIGN:
        local = Faker(locale)
        local.seed_instance(seed)
        names = [(local.first_name(), local.last_name()) for _ in range(60)]
        (right_to_left if locale in {"he_IL", "ar_AA"} else foreign).extend(names)
    first = [fake.first_name() for _ in range(_FIRST)]
    last = [fake.last_name() for _ in range(_LAST)]
    rng = Random(seed)
    return Pools(
        first=tuple(first),
        last=tuple(last),
        foreign=tuple(foreign),
        right_to_left=tuple(right_to_left),
        streets=tuple(fake.street_address() for _ in range(_STREETS)),
        words=tuple(dict.fromkeys(fake.word().capitalize() for _ in range(_WORDS))),
        employees=tuple(f"{rng.choice(first)} {rng.choice(last)[0]}" for _ in range(_EMPLOYEES)),
    )
