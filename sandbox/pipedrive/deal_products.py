"""Order lines and discounts of a deal, and what they do to the deal's value.

A line's sum is price times quantity less its discount; a deal with lines is worth the sum of its
enabled lines (tax added when exclusive) less the deal's discounts. Money is rounded to cents.
"""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.deals import live_deal
from sandbox.pipedrive.errors import general, invalid, not_found
from sandbox.pipedrive.listing import Conditions, id_list, page
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.shape import is_day
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time

MOST_LINES: Final = 100


def line_sum(line: Doc) -> float:
    gross: float = line["item_price"] * line["quantity"]
    discount: float = line["discount"]
    if line["discount_type"] == "percentage":
        discount = gross * discount / 100
    return round(gross - discount, 2)


def _worth(line: Doc) -> float:
    total = float(line["sum"])
    if line["tax_method"] == "exclusive":
        total += total * line["tax"] / 100
    return total


def revalue(account: Account, deal: Row, call: Call) -> None:
    """Sets the deal's value to what its lines say."""
    lines = [row.doc for row in account.store.rows("deal_product", "deal_id=?", (deal.id,))]
    total = sum(_worth(line) for line in lines if line["is_enabled"])
    for row in account.store.rows("discount", "deal_id=? ORDER BY id", (deal.id,)):
        amount = row.doc["amount"]
        total -= total * amount / 100 if row.doc["type"] == "percentage" else amount
    doc = {**deal.doc, "value": round(total, 2), "update_time": v2_time(call.now)}
    account.save("deal", deal, doc, call.now)


def _check(account: Account, body: Doc, prefix: str) -> list[str]:
    problems = []
    if "product_id" in body:
        product = account.find("product", body["product_id"])
        if product is None or product.deleted is not None:
            problems.append(f"{prefix}product_id: The product does not exist")
        elif not product.doc["is_linkable"]:
            problems.append(f"{prefix}product_id: The product cannot be linked to deals")
    if body.get("quantity", 1) <= 0:
        problems.append(f"{prefix}quantity: The value must be greater than 0")
    if body.get("item_price", 0) < 0 and account.switches.negative_line_price == "refuse":
        problems.append(f"{prefix}item_price: The value must not be negative")
    if body.get("product_variation_id") is not None:
        problems.append(f"{prefix}product_variation_id: The variation does not exist")
    day = body.get("billing_start_date")
    if day is not None and not is_day(day):
        problems.append(f"{prefix}billing_start_date: The value is not a valid date")
    return problems


def _check_room(account: Account, deal: Row, wanted: int) -> None:
    most = account.switches.lines_per_deal
    if most is None:
        return
    if account.store.count("deal_product", "deal_id=?", (deal.id,)) + wanted > most:
        raise general(403, "Couldn't add the product. You've reached the products per deal limit.")


def _new_line(account: Account, deal: Row, body: Doc, call: Call) -> Doc:
    product = account.store.get("product", body["product_id"])
    top = account.store.execute(
        "SELECT max(order_nr) FROM deal_product WHERE deal_id=?", (deal.id,)
    ).fetchone()[0]
    moment = v2_time(call.now)
    line = {
        "id": account.store.reserve_ids("deal_product"),
        "deal_id": deal.id,
        "product_id": body["product_id"],
        "product_variation_id": None,
        "name": product.doc["name"] if product is not None else "",
        "order_nr": (top or 0) + 1,
        "item_price": body["item_price"],
        "quantity": body["quantity"],
        "discount": body.get("discount", 0),
        "discount_type": body.get("discount_type", "percentage"),
        "tax": body.get("tax", 0),
        "tax_method": body.get("tax_method", "inclusive"),
        "sum": 0,
        "currency": deal.doc["currency"],
        "comments": body.get("comments", ""),
        "is_enabled": body.get("is_enabled", True),
        "billing_frequency": body.get("billing_frequency", "one-time"),
        "billing_frequency_cycles": body.get("billing_frequency_cycles"),
        "billing_start_date": body.get("billing_start_date"),
        "add_time": moment,
        "update_time": moment,
    }
    line["sum"] = line_sum(line)
    if "tax_method" in body:
        _spread_tax_method(account, deal, body["tax_method"])
    account.insert("deal_product", line, call.now)
    return line


def _spread_tax_method(account: Account, deal: Row, method: str) -> None:
    """Changing the method on one line changes the other lines of the deal."""
    for row in list(account.store.rows("deal_product", "deal_id=?", (deal.id,))):
        if row.doc["tax_method"] != method:
            row.doc["tax_method"] = method
            account.store.save("deal_product", row.doc)


def _add(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    problems = _check(account, call.body, "")
    if problems:
        raise invalid(problems)
    _check_room(account, deal, 1)
    line = _new_line(account, deal, call.body, call)
    revalue(account, deal, call)
    return Answer(line)


def _add_many(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    bodies: list[Doc] = call.body["data"]
    if not 1 <= len(bodies) <= MOST_LINES:
        raise invalid([f"data: Between 1 and {MOST_LINES} products are allowed"])
    checked = [_check(account, body, f"data.{index}.") for index, body in enumerate(bodies)]
    problems = [problem for found in checked for problem in found]
    keeps_good = account.switches.bulk_bad_line == "keep_good"
    if problems and not (keeps_good and len(problems) < len(bodies)):
        raise invalid(problems)
    good = [body for body, found in zip(bodies, checked, strict=True) if not found]
    _check_room(account, deal, len(good))
    lines = [_new_line(account, deal, body, call) for body in good]
    revalue(account, deal, call)
    return Answer(lines)


def _line(account: Account, call: Call) -> Row:
    row = account.store.get("deal_product", call.number("product_attachment_id"))
    if row is None or row.doc["deal_id"] != call.number("id"):
        raise not_found("Deal product not found")
    return row


def _change(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    row = _line(account, call)
    problems = _check(account, call.body, "")
    if problems:
        raise invalid(problems)
    line = {**row.doc, **call.body, "update_time": v2_time(call.now)}
    if "product_id" in call.body:
        product = account.store.get("product", line["product_id"])
        line["name"] = product.doc["name"] if product is not None else line["name"]
    line["sum"] = line_sum(line)
    if "tax_method" in call.body:
        _spread_tax_method(account, deal, call.body["tax_method"])
    account.save("deal_product", row, line, call.now)
    revalue(account, deal, call)
    return Answer(line)


def _remove(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    row = _line(account, call)
    account.store.remove("deal_product", row.id)
    account.notify("deal_product", "delete")
    revalue(account, deal, call)
    return Answer({"id": row.id})


def _remove_many(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=True)
    where, values = "deal_id=?", [deal.id]
    if "ids" in call.query:
        ids = id_list(call.query["ids"])
        where += f" AND id IN ({','.join('?' * len(ids))})"
        values += ids
    rows = list(
        account.store.rows("deal_product", f"{where} ORDER BY id LIMIT {MOST_LINES + 1}", values)
    )
    gone = [row.id for row in rows[:MOST_LINES]]
    for line_id in gone:
        account.store.remove("deal_product", line_id)
    if gone:
        revalue(account, deal, call)
    more = {"more_items_in_collection": len(rows) > MOST_LINES}
    return Answer({"ids": gone}, {"additional_data": more})


def _list(account: Account, call: Call) -> Answer:
    deal = live_deal(account, call.number("id"), call, writes=False)
    conditions = Conditions()
    conditions.add("deal_id=?", deal.id)
    return page(account, call, "deal_product", conditions, _as_stored)


def _list_of_deals(account: Account, call: Call) -> Answer:
    ids: list[int] = call.query["deal_ids"]
    if len(ids) > MOST_LINES:
        raise invalid([f"deal_ids: At most {MOST_LINES} ids are allowed"])
    conditions = Conditions()
    conditions.add(f"deal_id IN ({','.join('?' * len(ids))})", *ids)
    return page(account, call, "deal_product", conditions, _as_stored)


def _as_stored(doc: Doc) -> Doc:
    return doc


_BASE: Final = "/api/v2/deals/{id}"
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/api/v2/deals/products"): _list_of_deals,
    ("GET", _BASE + "/products"): _list,
    ("POST", _BASE + "/products"): _add,
    ("DELETE", _BASE + "/products"): _remove_many,
    ("POST", _BASE + "/products/bulk"): _add_many,
    ("PATCH", _BASE + "/products/{product_attachment_id}"): _change,
    ("DELETE", _BASE + "/products/{product_attachment_id}"): _remove,
}
