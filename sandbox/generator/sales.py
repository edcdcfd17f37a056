"""Orders of a contact, packed small: three million of them are kept.

A packed order is a list: `[order id, store id or null, store text, source, status, channel,
payment, employee, attr, order total, customer or null, lines]`; a packed line is
`[product index, quantity, price, discount, total]`. A line's product index of -1 stands for an
order without items, which the line-shaped API can only show as a line without a product. Money in
dollars, times in epoch seconds. Raises nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from random import Random
from typing import Any, Final

from sandbox.generator.goods import Product
from sandbox.generator.people import Persona
from sandbox.generator.places import Store
from sandbox.generator.pools import Pools
from sandbox.generator.spec import AccountSpec

_PAYMENTS: Final = ("debit", "cash", "cash", "ach", "", None)
_CHANNELS: Final = ("in-store", "in-store", "in-store", "Online", "delivery")
_MORE_ORDERS: Final = 3.6  # mean of the exponential above the first order of a buyer
_MORE_LINES: Final = 1.4
_MOST_ORDERS: Final = 150
_SHOWCASE: Final = 6  # every buyer whose number divides by it shows the next rare order early on
_RARE: Final = (
    "refund",
    "no items",
    "zero total",
    "midnight",
    "repeated hour",
    "unknown store",
    "same line twice",
    "partial refund",
    "sixty lines",
    "same second",
)
_RARE_RATE: Final = 0.03
_REPEATED_HOUR: Final = datetime(2025, 11, 2, 1, 30)  # noqa: DTZ001 - the store's zone is added
_REFUND_DELAY: Final = 3 * 86_400


@dataclass(frozen=True, slots=True)
class Order:
    """One order, packed for storing."""

    order_id: str
    ts: int
    total: float
    lines: int
    packed: list[Any]


class SalesMaker:
    """Makes the orders of one contact after the other."""

    def __init__(
        self,
        spec: AccountSpec,
        *,
        stores: tuple[Store, ...],
        products: tuple[Product, ...],
        campaigns: list[dict[str, Any]],
        pools: Pools,
        rng: Random,
    ) -> None:
        self._spec = spec
        self._stores = stores
        self._products = products
        self._campaigns = [each["id"] for each in campaigns]
        self._pools = pools
        self._rng = rng
        self._count = 0
        self._rare = 0

    def make(self, persona: Persona) -> list[Order]:
        """The orders of one contact, oldest first; none for a fifth of all contacts."""
        rng = self._rng
        if rng.random() >= 0.78 and persona.number % _SHOWCASE:
            return []
        count = min(1 + int(-log(1 - rng.random()) * _MORE_ORDERS), _MOST_ORDERS)
        orders: list[Order] = []
        for _ in range(count):
            orders.extend(self._order(persona, self._rare_kind(persona.number)))
        orders.sort(key=lambda order: order.ts)
        return orders

    def _rare_kind(self, number: int) -> str:
        rng = self._rng
        if number % _SHOWCASE == 0 and self._rare < len(_RARE):
            self._rare += 1
            return _RARE[self._rare - 1]
        return _RARE[int(rng.random() * len(_RARE))] if rng.random() < _RARE_RATE else ""

    def _order(self, persona: Persona, kind: str) -> list[Order]:
        rng, draw = self._rng, self._rng.random
        self._count += 1
        order_id = f"R-{100_000 + self._count}"
        store = self._stores[int(draw() * draw() * len(self._stores))]
        ts = self._instant(persona, store, kind)
        lines = self._lines(kind)
        packed = self._packed(persona, order_id, store, lines, kind)
        made = [_order_of(order_id, ts, packed)]
        if kind in {"refund", "partial refund"}:
            made.append(self._refund(made[0], partial=kind == "partial refund"))
        elif kind == "same second":
            other = [*packed]
            other[0] = order_id + "-B"
            made.append(_order_of(other[0], ts, other))
        if draw() < 0.002:
            rng.shuffle(packed[11])
        return made

    def _instant(self, persona: Persona, store: Store, kind: str) -> int:
        since = int(persona.doc["inserted"]) - 86_400 * 30
        until = self._spec.until - 3600
        ts = since + int(self._rng.random() * max(until - since, 1))
        if kind == "repeated hour":
            fold = int(self._rng.random() * 2)
            return int(_REPEATED_HOUR.replace(tzinfo=store.zone, fold=fold).timestamp())
        if kind == "midnight":
            local = datetime.fromtimestamp(ts, store.zone)
            midnight = local.replace(hour=23, minute=59, second=58)
            return int((midnight + timedelta(seconds=int(self._rng.random() * 5))).timestamp())
        # 9 to 21 o'clock by the store's own clock
        day, open_for = ts // 86_400, int(self._rng.random() * 43_200)
        offset = datetime.fromtimestamp(ts, store.zone).utcoffset() or timedelta()
        opens = day * 86_400 + 32_400 - int(offset.total_seconds())
        return min(opens + open_for, until) if ts < until - 172_800 else ts

    def _lines(self, kind: str) -> list[list[Any]]:
        if kind == "no items":
            return [[-1, 0, 0.0, 0.0, 0.0]]
        count = 1 + int(-log(1 - self._rng.random()) * _MORE_LINES)
        if kind == "sixty lines":
            count = 60
        lines = [self._line(free=kind == "zero total") for _ in range(count)]
        if kind == "same line twice":
            lines.append(list(lines[0]))
        return lines

    def _line(self, *, free: bool) -> list[Any]:
        draw = self._rng.random
        product = self._products[int(draw() * draw() * len(self._products))]
        quantity: float = 1 if draw() < 0.8 else 2 + int(draw() * 3)
        if product.by_weight:
            quantity = (3.5, 7, 14, 1.75)[int(draw() * 4)]
        gross = product.price * quantity
        discount = round(gross * 0.1, 2) if draw() < 0.25 else 0.0
        if free:
            discount = round(gross, 2)
        return [product.index, quantity, product.price, discount, round(gross - discount, 2)]

    def _packed(
        self, persona: Persona, order_id: str, store: Store, lines: list[list[Any]], kind: str
    ) -> list[Any]:
        draw = self._rng.random
        text: str | None = store.spellings[int(draw() * draw() * len(store.spellings))]
        store_id: int | None = store.store_id
        if kind == "unknown store":
            store_id, text = None, ("Pop-up Market", "", None)[int(draw() * 3)]
        total = round(sum(line[4] for line in lines), 2)
        customer = None
        if draw() < 0.03:
            customer = {"firstName": "", "lastName": "", "email": "", "phone": ""}
        return [
            order_id,
            store_id,
            text,
            persona.doc["platform"],
            "completed",
            _CHANNELS[int(draw() * 5)],
            _PAYMENTS[int(draw() * 6)],
            self._pools.employees[int(draw() * len(self._pools.employees))],
            self._attribution(),
            total if draw() < 0.98 else round(total + 1.0, 2),
            customer,
            lines,
        ]

    def _attribution(self) -> str | None:
        draw = self._rng.random
        drawn = draw()
        if drawn >= 0.22:
            return None if drawn < 0.8 else ""
        campaign = self._campaigns[int(draw() * len(self._campaigns))]
        medium = ("sms", "email")[int(draw() * 2)]
        plain = (
            f"utm_source=alpineiq&utm_medium={medium}&utm_campaign=drop%20{campaign}&cid={campaign}"
        )
        if drawn < 0.17:
            return plain
        return (
            plain.replace("%", "%25"),
            json.dumps({"source": "alpineiq", "medium": medium, "campaign": campaign}),
            campaign,
            "foo=bar&gclid=unknown",
            plain + "&utm_source=twice" + "&x=" + "y" * 2000 if drawn > 0.2195 else plain + "&x=y",
        )[int((drawn - 0.17) * 100)]

    def _refund(self, order: Order, *, partial: bool) -> Order:
        lines = order.packed[11][:1] if partial else order.packed[11]
        back = [[p, -q, price, -discount, -total] for p, q, price, discount, total in lines]
        packed = [*order.packed]
        same_id = self._rng.random() < 0.5
        packed[0] = order.order_id if same_id else order.order_id + "-R"
        packed[4] = "refunded"
        packed[9] = round(sum(line[4] for line in back), 2)
        packed[11] = back
        return _order_of(packed[0], min(order.ts + _REFUND_DELAY, self._spec.until), packed)


def _order_of(order_id: str, ts: int, packed: list[Any]) -> Order:
    lines = packed[11]
    return Order(order_id, ts, round(sum(line[4] for line in lines), 2), len(lines), packed)
