"""Stores of a retailer: in three time zones, each with the names that its sources call it by.

A store is the object that `GET /api/v1.1/stores/{uid}` shows. Raises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.generator.pools import Pools


@dataclass(frozen=True, slots=True)
class Town:
    """A place that a store can stand in."""

    city: str
    state: str
    state_name: str
    zip_code: str
    timezone: str
    latitude: float
    longitude: float
    area_codes: tuple[str, ...]


# Arizona has no daylight saving time; the other two repeat an hour each November
TOWNS: Final = (
    Town("Portland", "OR", "Oregon", "97201", "America/Los_Angeles", 45.5, -122.6, ("503", "971")),
    Town("Phoenix", "AZ", "Arizona", "85001", "America/Phoenix", 33.4, -112.0, ("602", "480")),
    Town("Brooklyn", "NY", "New York", "11201", "America/New_York", 40.7, -73.9, ("718", "347")),
    Town("Eugene", "OR", "Oregon", "97401", "America/Los_Angeles", 44.0, -123.1, ("541", "458")),
    Town("Tucson", "AZ", "Arizona", "85701", "America/Phoenix", 32.2, -110.9, ("520", "928")),
    Town("Boston", "MA", "Massachusetts", "02108", "America/New_York", 42.3, -71.0, ("617", "857")),
)
DISTRICTS: Final = ("Riverside", "Downtown", "Market Street", "Uptown", "Airport", "Old Mill")
NAME_SPELLINGS: Final = 3


@dataclass(frozen=True, slots=True)
class Store:
    """A store, and what tills call it."""

    store_id: int
    town: Town
    zone: ZoneInfo
    district: str
    spellings: tuple[str, ...]  # [0] Alpine IQ's name, then nickname and the till's own name
    view: dict[str, Any]


def build_stores(count: int, *, uid: str, pools: Pools, rng: Random) -> tuple[Store, ...]:
    """`count` stores with ids from 16 on."""
    brand = rng.choice(pools.words)
    return tuple(_store(number, uid=uid, brand=brand) for number in range(count))


def _store(number: int, *, uid: str, brand: str) -> Store:
    town = TOWNS[number % len(TOWNS)]
    district = DISTRICTS[number % len(DISTRICTS)]
    again = number // len(TOWNS)
    nickname = f"{district} {again + 1}" if again else district
    name = f"{brand} - {town.state} {nickname}"
    till = f"{brand} {nickname} LLC"
    view = {
        "id": 16 + number,
        "name": name,
        "nickname": nickname,
        "avatar": f"https://lab.alpineiq.com/avatar/{uid}",
        "addr": {
            "street": f"{100 + number} Example Ave",
            "city": town.city.lower() if number % 2 == 0 else town.city,
            "state": town.state,
            "zipCode": town.zip_code,
            "country": ("US", "USA", "United States", "")[number % 4],
            "lat": town.latitude,
            "long": town.longitude,
        },
        "userID": uid,
        "reviewLinks": {
            "google": f"{brand}-{nickname}".lower().replace(" ", "-"),
            **dict.fromkeys(("facebook", "leafly", "weedmaps", "instagram", "twitter", "yelp"), ""),
        },
        "sourceMapping": {"leaflogix": till, "cova": f"{nickname} #{number + 1}".upper()},
        "onlineShopURL": f"https://shop.example.com/{nickname.lower().replace(' ', '-')}",
        "phone": f"{town.area_codes[0]}55501{number % 100:02d}",
        "timezone": town.timezone,
    }
    spellings = (name, nickname, till)
    return Store(16 + number, town, ZoneInfo(town.timezone), district, spellings, view)
