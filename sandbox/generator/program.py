"""Audiences, discounts, campaigns and the loyalty program of an account.

Each is a list of the objects that the API shows. Raises nothing.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

# the pairs that differ only in case or blanks are deliberate: ids are the key, names are not
_NAMES: Final = (
    "Signed Up",
    "VIP",
    "vip",
    "Edibles buyers",
    "Edibles buyers",
    "Lapsed 90 days",
    "Veterans",
    " Medical ",
    "SMS subscribers",
    "Big spenders 🌿",
    "Straße & <i>Co</i>",
    "Everybody",
)
TIERS: Final = (("Bronze", 0), ("Silver", 200), ("Gold", 400), ("Platinum", 1000))


def tier_name(points: float) -> str:
    """The highest tier that `points` reach."""
    reached = "Bronze"
    for name, needed in TIERS:
        if points >= needed:
            reached = name
    return reached


def build_audiences(count: int, *, uid: str, until: int, rng: Random) -> list[dict[str, Any]]:
    """`count` audiences; sizes are filled in when the members are known."""
    return [
        {
            "id": str(310_771 + 7 * number),
            "userID": uid,
            "name": _NAMES[number] if number < len(_NAMES) else f"Segment {number:03d}",
            "active": number % 11 != 10,
            "archived": number % 13 == 12,
            "audienceSize": 0,
            "textOptIns": 0,
            "emailOptIns": 0,
            "cltv": round(rng.uniform(100, 1500), 1),
            "idealCAC": round(rng.uniform(30, 500), 1),
            "traits": [{"type": "loyaltyMember" if number == 0 else "segment", "value": True}],
            "pointsMultiplier": (1, 2, 1, 1.5)[number % 4],
            "pointsBoost": (0, 0, 25, -10, 0)[number % 5],
            "zeroPoints": number % 17 == 16,
            "includeAnonymous": number % 6 == 5,
            "created": until - 700 * 86_400 + number * 3600,
            "updated": until - 20 * 86_400 + number * 60,
        }
        for number in range(count)
    ]


def build_discounts(
    audiences: list[dict[str, Any]], store_ids: list[int], until: int
) -> list[dict[str, Any]]:
    """Rewards that spend points, and tiers that stand at a level of points."""
    rewards = [("$5 off", 50, 5.0), ("$10 off", 100, 10.0), ("$25 off", 225, 25.0)]
    shared = {
        "percentageValue": 0,
        "startsOn": until - 600 * 86_400,
        "expiresOn": 0,
        "relativeExpiry": 7,
        "reusable": True,
        "archived": False,
        "redemptions": 0,
        "stores": store_ids,
        "updated": until - 30 * 86_400,
    }
    groups = {0: "6", 1: "5", 2: "6"}
    chosen = [each["id"] for each in audiences[6:8]]
    discounts: list[dict[str, Any]] = []
    for order, (name, points, dollars) in enumerate(rewards):
        own = {"audiences": chosen, "groupID": groups[order], "opens": 10 * order + 5}
        discounts.append(_discount(8812 + order, name, points, dollars) | own | shared)
    for order, (name, points) in enumerate(TIERS):
        own = {"audiences": [], "groupID": "", "opens": 0}
        discounts.append(_discount(8900 + order, name, points, 0.0) | own | shared)
    return [each | {"order": order} for order, each in enumerate(discounts)]


def _discount(number: int, name: str, points: int, dollars: float) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": name,
        "description": f"{name} your order" if dollars else f"{name} members",
        "type": "normal" if dollars else "tier reward",
        "tierDiscount": not dollars,
        "posDiscountID": f"AIQ{number}",
        "pointsDeduction": points,
        "dollarValue": dollars,
    }


def build_groups() -> list[dict[str, Any]]:
    """Groups of discounts."""
    return [
        {"id": "5", "name": "Veterans", "discounts": ["8813"], "archived": False},
        {"id": "6", "name": "Medical", "discounts": ["8812", "8814"], "archived": False},
    ]


def build_campaigns(
    count: int, *, uid: str, audiences: list[dict[str, Any]], until: int, rng: Random
) -> list[dict[str, Any]]:
    """Campaigns with emoji, macros and counters beyond 2**53."""
    campaigns = []
    for number in range(count):
        created = until - (count - number) * 20 * 86_400
        sent = rng.randint(100, 5000)
        summary = {
            "msgsSent": sent,
            "msgsErrored": sent // 300,
            "msgsReceived": 0,
            "clicks": sent // 9,
            "redemptions": sent // 150,
            "discountRedemptions": sent // 200,
            "unsubscribes": sent // 400,
            "convs": sent // 40,
            "uniqueClicks": 9_007_199_254_740_993 if number == 0 else sent // 10,
            "mmsCost": 0.0,
            "smsCost": round(sent * 0.015, 2),
            "uniqueUsers": sent - 10,
            "remainingUsers": 0,
            "totalEligible": sent + 10,
        }
        campaigns.append(
            {
                "id": str(1000 + number),
                "userID": uid,
                "name": f"{('Spring', 'Summer', 'Autumn', 'Winter')[number % 4]} drop {number + 1}",
                "avatar": "",
                "created": created,
                "updated": created + 86_400,
                "type": ("TEXT", "EMAIL")[number % 2],
                "isActive": number % 3 == 0,
                "archived": number % 5 == 4,
                "approved": 1,
                "audiences": ["all"] if number % 4 == 3 else [rng.choice(audiences)["id"]],
                "templates": {
                    "body": "Hi {{firstName}} \U0001f60d {{loyaltySignupURL}}",
                    "scheduled": created + 172_800,
                    "timezone": "America/Los_Angeles",
                    "recurDays": -1,
                    "isMMS": False,
                },
                "mediaURL": "",
                "mediaContentType": "",
                "sendAtTimePredicted": False,
                "lastRun": 0 if number % 3 else created + 172_800,
                "summary": summary,
            }
        )
    return campaigns


def build_program(uid: str) -> dict[str, Any]:
    """The loyalty configuration; its tiers have no names."""
    tiers = [{"points": points, "discount": 5 * i, "max": 0} for i, (_, points) in enumerate(TIERS)]
    return {
        "id": "77",
        "name": "Rewards",
        "userID": uid,
        "accrual": 1,
        "expiration": 365,
        "tiers": tiers,
    }
