"""What follows from orders: points, redemptions, adjustments, conversions, totals of a contact.

`settle` writes balances and totals into the contact's document, so that they agree with its orders:
spent is the sum of the order totals, and the balance is points earned minus points used plus
adjustments minus expirations. Events are `(kind, epoch seconds, document)`. Raises nothing.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from sandbox.generator.people import Persona
from sandbox.generator.program import tier_name
from sandbox.generator.sales import Order

Event = tuple[str, int, dict[str, Any]]
_DAY: Final = 86_400
_NOTES: Final = ("Apology", "Birthday", "Moved from the old program", "", "Fraud 🚫 removed")


def settle(
    persona: Persona,
    orders: list[Order],
    *,
    rewards: list[dict[str, Any]],
    until: int,
    rng: Random,
) -> list[Event]:
    """The events of one contact; its document is brought in line with them."""
    doc = persona.doc
    doc["spent"] = round(sum(order.total for order in orders), 2)
    doc["countOfSales"] = len(orders)
    doc["lastSale"] = orders[-1].ts if orders else None
    doc["leakyBucket"] = _engagement(doc["lastSale"], until)
    events = _conversions(persona, orders, rng)
    if doc["loyalty"]:
        events += _points(persona, orders, rewards, until, rng)
    return events


def _engagement(last_sale: int | None, until: int) -> str | None:
    if last_sale is None:
        return "new"
    days = (until - last_sale) // _DAY
    for name, most in (("active", 60), ("slipping", 120), ("at_risk", 240), ("lost", 700)):
        if days <= most:
            return name
    return None


def _points(
    persona: Persona,
    orders: list[Order],
    rewards: list[dict[str, Any]],
    until: int,
    rng: Random,
) -> list[Event]:
    doc, number = persona.doc, persona.number
    signup = doc["loyaltySignupTS"] or 0
    earned = round(sum(order.total for order in orders if order.ts >= signup) * 1.0, 1)
    events: list[Event] = []
    balance, used = max(earned, 0.0), 0.0
    reward = rewards[int(rng.random() * len(rewards))]
    while orders and balance >= reward["pointsDeduction"] and rng.random() < 0.6:
        balance = round(balance - reward["pointsDeduction"], 2)
        used += reward["pointsDeduction"]
        order = orders[int(rng.random() * len(orders))]
        events.append(("redemption", order.ts, _redemption(persona, reward, order)))
    if number % 50 == 12 or rng.random() < 0.04:
        value = (25, 10.5, -40, -500)[int(rng.random() * 4)] if number != 12 else -500
        balance = round(balance + value, 2)
        at = min(doc["inserted"] + int(rng.random() * 200 * _DAY), until)
        note = _NOTES[int(rng.random() * len(_NOTES))]
        events.append(("adjustment", at, _adjustment(persona, value, note, at)))
    if orders and orders[-1].ts + 365 * _DAY < until and balance > 0:
        lost = round(balance / 2, 2)
        balance = round(balance - lost, 2)
        events.append(("expiration", orders[-1].ts + 365 * _DAY, {"points": -lost}))
    if rng.random() < 0.03:
        balance += 100.0  # legacy points: no event tells of them
    doc["loyaltyPoints"] = balance
    doc["usedPoints"] = used
    doc["lifetimePoints"] = round(balance + used, 2)
    doc["tier"] = tier_name(balance)
    return events


def _who(persona: Persona) -> dict[str, Any]:
    doc = persona.doc
    name = f"{doc['firstName'] or ''} {doc['lastName'] or ''}".strip()
    return {"name": name, "phone": doc["mobilePhone"], "email": doc["email"]}


def _redemption(persona: Persona, reward: dict[str, Any], order: Order) -> dict[str, Any]:
    return {
        "contactID": persona.contact_id,
        **_who(persona),
        "discountID": reward["id"],
        "discountName": reward["name"],
        "points": reward["pointsDeduction"],
        "storeID": order.packed[1],
        "transactionID": order.order_id,
        "ts": order.ts,
    }


def _adjustment(persona: Persona, value: float, note: str, at: int) -> dict[str, Any]:
    return {
        "cntID": persona.contact_id,
        **_who(persona),
        "value": value,
        "note": note,
        "cmpID": "",
        "ts": at,
    }


def _conversions(persona: Persona, orders: list[Order], rng: Random) -> list[Event]:
    events: list[Event] = []
    for order in orders:
        attribution = order.packed[8]
        if not attribution or "cid=" not in attribution or rng.random() < 0.3:
            continue
        channel = "text" if "medium=sms" in attribution else "email"
        campaign = attribution.split("cid=", 1)[1].split("&", 1)[0]
        events.append(
            (
                "conversion",
                order.ts,
                {
                    "contactID": persona.contact_id,
                    "campaignID": campaign,
                    "channel": channel,
                    "action": "text_click" if channel == "text" else "open",
                    "actionTS": order.ts - int(rng.random() * 14 * _DAY),
                    "orderTS": order.ts,
                    "orderID": order.order_id,
                    "storeName": order.packed[2],
                    "amount": order.total,
                },
            )
        )
    return events
