"""Discounts of a deal: a share or an amount taken off what its lines come to.

Each is named by a UUID. Changing one sets the deal's value anew.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.deal_products import revalue
from sandbox.pipedrive.deals import live_deal
from sandbox.pipedrive.errors import invalid, not_found
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.shape import LARGEST
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time


def _discounts(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=False)
    rows = account.store.rows("discount", "deal_id=? ORDER BY id", (deal.id,))
    return Answer([_shown_discount(row.doc) for row in rows])


def _shown_discount(doc: Doc) -> Doc:
    return {**doc, "id": str(UUID(int=doc["id"]))}


def _check_amount(body: dict[str, Any]) -> None:
    if body.get("amount", 1) <= 0:
        raise invalid(["amount: The value must be greater than 0"])


def _add_discount(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    _check_amount(call.body)
    moment = v2_time(call.now)
    number = account.store.reserve_ids("discount")
    doc = {
        "id": number,
        "deal_id": deal.id,
        **call.body,
        "created_at": moment,
        "created_by": call.user_id,
        "updated_at": moment,
        "updated_by": call.user_id,
    }
    account.insert("discount", doc, call.now)
    revalue(account, deal, call)
    return Answer(_shown_discount(doc))


def _one_discount(account: Account, call: Call) -> Row:
    try:
        number = UUID(call.values["discount_id"]).int
    except ValueError:
        number = 0
    row = account.store.get("discount", number) if number <= LARGEST else None
    if row is None or row.doc["deal_id"] != call.number("id"):
        raise not_found("Discount not found")
    return row


def _change_discount(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    row = _one_discount(account, call)
    _check_amount(call.body)
    doc = {**row.doc, **call.body, "updated_at": v2_time(call.now), "updated_by": call.user_id}
    account.save("discount", row, doc, call.now)
    revalue(account, deal, call)
    return Answer(_shown_discount(doc))


def _remove_discount(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    row = _one_discount(account, call)
    account.store.remove("discount", row.id)
    revalue(account, deal, call)
    return Answer({"id": str(UUID(int=row.id))})


_BASE: Final = "/api/v2/deals/{id}"
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", _BASE + "/discounts"): _discounts,
    ("POST", _BASE + "/discounts"): _add_discount,
    ("PATCH", _BASE + "/discounts/{discount_id}"): _change_discount,
    ("DELETE", _BASE + "/discounts/{discount_id}"): _remove_discount,
}
