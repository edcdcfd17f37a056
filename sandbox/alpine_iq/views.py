"""What the service shows of a stored contact and of a packed order.

All functions are pure. Money in dollars, times in epoch seconds. Raises nothing.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

LIST_MEMBERS: Final = (
    "contactID",
    "srcID",
    "firstName",
    "lastName",
    "email",
    "mobilePhone",
    "homePhone",
    "platform",
    "favoriteStoreID",
    "inserted",
    "loyalty",
    "loyaltySignupTS",
    "loyaltyPoints",
    "leakyBucket",
    "optinTime",
    "optoutTime",
    "optreqTime",
    "hasRequested",
    "emailOptInTime",
    "emailOptOutTime",
    "smsconsent",
)
PROVEN_DETAIL_MEMBERS: Final = (*LIST_MEMBERS, "referCode", "referLink", "spent")
_REDACTED: Final = ("firstName", "lastName", "email", "mobilePhone", "homePhone", "address")
_LAST_TOUCH_STEP: Final = 600
_LINE_WITHOUT_PRODUCT: Final = {
    "sku": "",
    "name": "",
    "category": "",
    "subcategory": "",
    "brand": "",
    "strain": "",
    "species": "",
    "size": "",
    "customAttributes": None,
}


# members stay raw text on their way from the state to the answer: a page has thousands of them
_ROW: Final = msgspec.defstruct("ListedContact", [(name, msgspec.Raw) for name in LIST_MEMBERS])
_read_row: Final = msgspec.json.Decoder(_ROW).decode


def listed(doc: bytes) -> msgspec.Struct:
    """The shape of a row of the list."""
    return _read_row(doc)


def detailed(
    doc: dict[str, Any], *, extra: bool, audience_names: dict[str, str], now: float
) -> dict[str, Any]:
    """The shape of the look-up by id; without `extra` only what was seen of the real service."""
    if not extra:
        return {name: doc[name] for name in PROVEN_DETAIL_MEMBERS}
    touched = int(now) // _LAST_TOUCH_STEP * _LAST_TOUCH_STEP
    shown = {name: value for name, value in doc.items() if name != "audienceIDs"}
    shown["lastTouch"] = touched
    audiences = [
        {"id": each, "name": audience_names.get(each, ""), "lastTouch": touched}
        for each in doc["audienceIDs"]
    ]
    shown["audiences"] = audiences or None
    return shown


def redacted(doc: dict[str, Any]) -> dict[str, Any]:
    """The same contact with names and addresses emptied."""
    return {**doc, **dict.fromkeys(_REDACTED, "")}


def lean_line(
    ts: int, packed: list[Any], line: list[Any], product: dict[str, Any]
) -> dict[str, Any]:
    """The members of a line that were seen of the real service."""
    return {
        "name": product["name"],
        "brand": product["brand"],
        "quantity": line[1],
        "totalPrice": line[4],
        "timestamp": ts,
        "storeName": packed[2],
    }


def full_line(
    ts: int,
    packed: list[Any],
    line: list[Any],
    product: dict[str, Any],
    contact: dict[str, Any],
) -> dict[str, Any]:
    """A line with everything that the sale was submitted with."""
    order_id, store_id, store, source, status, channel, payment, employee, attr, total, *_ = packed
    return {
        "orderID": order_id,
        "status": status,
        "timestamp": ts,
        "storeID": store_id,
        "storeName": store,
        "source": source,
        "posType": channel,
        "contactID": contact["contactID"],
        "srcID": contact["srcID"],
        "employee": employee,
        **product,
        "quantity": line[1],
        "price": line[2],
        "discount": line[3],
        "totalPrice": line[4],
        "orderTotal": total,
        "paymentType": payment,
        "customer": packed[10]
        or {
            "firstName": contact["firstName"],
            "lastName": contact["lastName"],
            "email": contact["email"],
            "phone": contact["mobilePhone"],
        },
        "attr": attr,
    }


def product_of(products: list[dict[str, Any]], line: list[Any]) -> dict[str, Any]:
    """The product of a packed line: by index, given as it is, or none."""
    index = line[0]
    if isinstance(index, dict):
        return {**_LINE_WITHOUT_PRODUCT, **index}
    return products[index] if index >= 0 else _LINE_WITHOUT_PRODUCT
