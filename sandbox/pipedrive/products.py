"""Products: neither name nor code is unique; prices are one list, replaced as a whole."""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.currencies import CURRENCIES
from sandbox.pipedrive.errors import not_found
from sandbox.pipedrive.present import Presenter
from sandbox.pipedrive.records import Handler, Kind, handlers, visible
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time

HOME_CURRENCY: Final = "USD"
MOST_CYCLES: Final = 208


def _blank(account: Account, call: Call) -> Doc:
    now = v2_time(call.now)
    return {
        "name": "",
        "code": None,
        "description": None,
        "unit": None,
        "tax": 0,
        "category": None,
        "is_linkable": True,
        "is_deleted": False,
        "visible_to": max(account.plan.visibilities),
        "owner_id": call.user_id,
        "add_time": now,
        "update_time": now,
        "billing_frequency": "one-time",
        "billing_frequency_cycles": None,
        "prices": [_price({"currency": HOME_CURRENCY})],
        "custom_fields": {},
    }


def _price(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "price": entry.get("price", 0),
        "currency": entry["currency"],
        "cost": entry.get("cost", 0),
        "direct_cost": entry.get("direct_cost"),
        "notes": entry.get("notes", ""),
    }


def _prices(body: Doc, problems: rules.Problems) -> None:
    entries = body.get("prices")
    if entries is None:
        return
    codes = [entry.get("currency") for entry in entries]
    problems += [
        f"prices.{index}.currency: The currency {code} is unknown"
        for index, code in enumerate(codes)
        if code not in CURRENCIES
    ]
    if len(set(codes)) < len(codes):
        problems.append("prices: Only one price per currency is allowed")
    if not problems:
        body["prices"] = [_price(entry) for entry in entries]


def prepare(
    account: Account, _call: Call, body: Doc, row: Row | None, problems: rules.Problems
) -> Doc:
    rules.name(body, "name", problems)
    rules.owner(account, body, "owner_id", problems)
    rules.visibility(account, body, problems)
    rules.custom_fields(account, "product", body, problems)
    _prices(body, problems)
    category = body.get("category")
    definition = account.fields.find("product", "category")
    if category is not None and definition is not None:
        if category not in definition.options:
            problems.append(f"category: Option {category} does not exist")
        body["category"] = str(category)
    cycles = body.get("billing_frequency_cycles")
    if cycles is not None and not 1 <= cycles <= MOST_CYCLES:
        problems.append(f"billing_frequency_cycles: The value must be 1 to {MOST_CYCLES}")
    if row is None:
        body["custom_fields"] = rules.filled(body.get("custom_fields"))
        if body.get("prices") == []:
            del body["prices"]
    return body


PRODUCT: Final = Kind("product", "products", ("owner_id",), _blank, prepare, "Product not found")


def _with_ids(doc: Doc) -> Doc:
    doc["prices"] = [{"product_id": doc["id"], **price} for price in doc["prices"]]
    return doc


def _wrapped(handler: Handler) -> Handler:
    def handle(account: Account, call: Call) -> Answer:
        answer = handler(account, call)
        docs = answer.data if isinstance(answer.data, list) else [answer.data]
        for doc in docs:
            _with_ids(doc)
        return answer

    return handle


def _duplicate(account: Account, call: Call) -> Answer:
    row = visible(account, PRODUCT, call.number("id"))
    if row.deleted is not None:
        raise not_found(PRODUCT.missing)
    moment = v2_time(call.now)
    copy = {
        **row.doc,
        "id": account.store.reserve_ids("product"),
        "add_time": moment,
        "update_time": moment,
    }
    account.insert("product", copy, call.now)
    return Answer(_with_ids(Presenter(account, "product", {}).show(copy)))


_CRUD: Final = handlers(PRODUCT)
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    key: handler if key[0] == "DELETE" else _wrapped(handler) for key, handler in _CRUD.items()
} | {("POST", "/api/v2/products/{id}/duplicate"): _duplicate}
