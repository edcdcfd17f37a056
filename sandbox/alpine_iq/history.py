"""Endpoints about what happened: orders, points, adjustments, redemptions, conversions, messages.

Raises `Refusal`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sandbox.alpine_iq import views
from sandbox.alpine_iq.people import found_by_id
from sandbox.alpine_iq.routing import Call, Refusal, Route

_FOREVER: Final = 2**53


def orders(call: Call) -> Any:
    """Line items of one contact, newest order first; nothing says where an order ends."""
    service = call.service
    contact = found_by_id(call)
    doc, products = contact.document(), service.products()
    lean = service.switches["orders.shape"] == "lean"
    lines = []
    for ts, encoded in service.store.orders(contact.seq, call.now):
        packed = msgspec.json.decode(encoded)
        for line in packed[11]:
            product = views.product_of(products, line)
            if lean:
                lines.append(views.lean_line(ts, packed, line, product))
            else:
                lines.append(views.full_line(ts, packed, line, product, doc))
    if service.switches["orders.paging"] == "on":
        start = call.number("start", 0)
        lines = lines[start : start + call.number("limit", 100)]
    return service.list_or_null(lines)


def timeline(call: Call) -> Any:
    """Changes of one contact's points with the balance after each, newest first."""
    service = call.service
    if service.switches["timeline.get"] == "404":
        raise Refusal(404, "Not Found")
    contact = found_by_id(call)
    doc = contact.document()
    changes = _changes(call, contact.seq, doc)
    changes.sort(key=lambda change: change["ts"], reverse=True)
    balance = doc["loyaltyPoints"]
    for change in changes:
        change["balance"] = round(balance, 2)
        balance -= change["points"]
    start, end = call.number("start", 0), call.number("end", _FOREVER)
    shown = [each for each in changes if start <= each["ts"] <= end]
    if service.switches["timeline.order"] == "shuffled":
        shown.sort(key=lambda change: (change["ts"] % 97, change["ts"]))
    return {"contactID": contact.contact_id, "events": service.list_or_null(shown)}


def _changes(call: Call, seq: int, doc: dict[str, Any]) -> list[dict[str, Any]]:
    store, changes = call.service.store, []
    signup = doc["loyaltySignupTS"]
    for ts, encoded in store.orders(seq, call.now) if signup else ():
        packed = msgspec.json.decode(encoded)
        points = round(sum(line[4] for line in packed[11]), 1)
        if ts >= signup and points:
            changes.append(_change(ts, "sale", points, order_id=packed[0]))
    found = store.rows("select kind, ts, doc from events where seq = ?", (seq,))
    for kind, ts, encoded in found:
        event = msgspec.json.decode(encoded)
        if kind == "redemption":
            told = {"note": event["discountName"], "discount_id": event["discountID"]}
            changes.append(_change(ts, kind, -event["points"], **told))
        elif kind == "adjustment":
            changes.append(_change(ts, kind, event["value"], note=event["note"]))
        elif kind == "expiration":
            changes.append(_change(ts, kind, event["points"]))
    return changes


def _change(
    ts: int,
    kind: str,
    points: float,
    *,
    note: str = "",
    order_id: str | None = None,
    discount_id: str | None = None,
) -> dict[str, Any]:
    return {
        "ts": ts,
        "type": kind,
        "points": points,
        "balance": 0.0,
        "note": note,
        "orderID": order_id,
        "discountID": discount_id,
    }


def adjustments(call: Call) -> Any:
    return _between(call, "adjustment", *_window_in_path(call))


def redemptions(call: Call) -> Any:
    return _between(call, "redemption", *_window_in_path(call))


def conversions(call: Call) -> Any:
    start, end = call.number("start", 0), call.number("end", _FOREVER)
    call.service.slow_down(call.service.switches["slow.conversions"])
    return _between(call, "conversion", start, end)


def _window_in_path(call: Call) -> tuple[int, int]:
    try:
        start, end = int(call.path["start"]), int(call.path["end"])
    except ValueError:
        raise Refusal(400, "start and end must be epoch seconds") from None
    if max(abs(start), abs(end)) > _FOREVER:
        raise Refusal(400, "start and end must be epoch seconds")
    return start, end


def _between(call: Call, kind: str, start: int, end: int) -> Any:
    service = call.service
    found = service.store.events(kind, start, min(end, int(call.now)))
    return service.list_or_null([msgspec.Raw(each) for each in found])


def messages(call: Call) -> Any:
    """Nothing public says that this exists; off unless switched on."""
    service = call.service
    if service.switches["messages"] == "off":
        raise Refusal(404, "Not Found")
    contact = found_by_id(call)
    found = service.store.rows(
        "select doc from events where seq = ? and kind = 'conversion' order by ts", (contact.seq,)
    )
    sent = [_message(msgspec.json.decode(row[0])) for row in found]
    return service.list_or_null(sent)


def _message(conversion: dict[str, Any]) -> dict[str, Any]:
    return {
        "ts": conversion["actionTS"],
        "channel": conversion["channel"],
        "campaignID": conversion["campaignID"],
        "direction": "out",
        "status": "delivered",
        "body": "Hi {{firstName}} \U0001f60d",
    }


_WINDOW: Final = ("start", "end")
_PAGE: Final = ("start", "limit")
ROUTES: Final = (
    Route("GET", "/api/v1.1/contact/orders/{uid}/{contactID}", orders, _PAGE),
    Route("GET", "/api/v1.1/contact/loyaltyPoints/timeline/{uid}/{contactID}", timeline, _WINDOW),
    Route("GET", "/api/v1.1/adjustments/{uid}/{start}/{end}", adjustments),
    Route("GET", "/api/v1.1/redemptions/{uid}/{start}/{end}", redemptions),
    Route("GET", "/api/v1.1/discountRedemptions/{uid}/{start}/{end}", redemptions),
    Route("GET", "/api/v1.1/conversions/{uid}", conversions, _WINDOW),
    Route("GET", "/api/v1.1/contact/messages/{uid}/{contactID}", messages),
)
