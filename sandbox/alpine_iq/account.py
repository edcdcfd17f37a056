"""Endpoints about the account: stores, audiences, discounts, campaigns, program, wallets.

Also the paths that are known to be dead, and those that write: all writes are refused, so that a
migration that writes to its source fails loudly. Raises `Refusal`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sandbox.alpine_iq.people import found_by_address, found_by_id
from sandbox.alpine_iq.routing import Call, Refusal, Route


def stores(call: Call) -> Any:
    return {"stores": _all(call, "store")}


def _all(call: Call, kind: str) -> Any:
    found = [msgspec.Raw(each) for each in call.service.store.documents(kind)]
    return call.service.list_or_null(found)


def audiences(call: Call) -> Any:
    service = call.service
    start, limit = call.number("start", 0), call.number("limit", 100)
    found = service.store.documents("audience")[start : start + limit]
    page = service.list_or_null([msgspec.Raw(each) for each in found])
    return {"data": page} if service.switches["audiences.shape"] == "nested" else page


def audience(call: Call) -> Any:
    return _one(call, "audience", "audienceID")


def _one(call: Call, kind: str, name: str) -> Any:
    found = call.service.stored(kind, call.path[name])
    if found is None:
        raise Refusal(404, "not found")
    return found


def members(call: Call) -> Any:
    """Every id at once, those of hidden and of deleted contacts included."""
    service, audience_id = call.service, call.path["audienceID"]
    _one(call, "audience", "audienceID")
    condition = "" if service.switches["hidden.in_members"] == "yes" else "and hidden is null"
    found = service.store.rows(
        "select contact_id from members join contacts using (seq)"
        f" where audience_id = ? and visible_from <= ? {condition} order by seq",
        (audience_id, call.now),
    )
    return service.list_or_null([row[0] for row in found])


def program(call: Call) -> Any:
    if call.service.switches["loyalty.default"] == "404":
        raise Refusal(404, "Not Found")
    return msgspec.Raw(call.service.store.documents("program")[0])


def discounts(call: Call) -> Any:
    return _all(call, "discount")


def discount_groups(call: Call) -> Any:
    return _all(call, "group")


def campaigns(call: Call) -> Any:
    """All with `full=true`; without it those that aren't archived."""
    if call.query.get("full") == "true":
        return _all(call, "campaign")
    decoded = [msgspec.json.decode(each) for each in call.service.store.documents("campaign")]
    return call.service.list_or_null([each for each in decoded if not each["archived"]])


def campaigns_between(call: Call) -> Any:
    window = _body(call)
    start, end = window.get("start", 0), window.get("end", 2**53)
    decoded = [msgspec.json.decode(each) for each in call.service.store.documents("campaign")]
    return call.service.list_or_null([each for each in decoded if start <= each["created"] <= end])


def campaign_stats(call: Call) -> Any:
    campaign = msgspec.json.decode(_one(call, "campaign", "campaignID"))
    return {"id": campaign["id"], **campaign["summary"]}


def channel_report(call: Call) -> Any:
    totals: dict[str, int] = {}
    for each in call.service.store.documents("campaign"):
        campaign = msgspec.json.decode(each)
        channel = campaign["type"].lower()
        totals[channel] = totals.get(channel, 0) + campaign["summary"]["msgsSent"]
    return [{"channel": channel, "msgsSent": sent} for channel, sent in sorted(totals.items())]


def wallet_by_address(call: Call) -> Any:
    body = _body(call)
    address = str(body.get("phone") or body.get("email") or "")
    if not address:
        raise Refusal(400, "phone or email is required")
    return _wallet(call, found_by_address(call, address).document())


def wallet_by_phone(call: Call) -> Any:
    return _wallet(call, found_by_address(call, call.path["phone"]).document())


def wallet_by_id(call: Call) -> Any:
    return _wallet(call, found_by_id(call).document())


def _body(call: Call) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(call.body or b"{}")
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be an object")
    return body


def _wallet(call: Call, doc: dict[str, Any]) -> dict[str, Any]:
    """Points are 0 when the account hides them: no place to take balances from."""
    service = call.service
    hides = bool(service.switches["points.hidden"])
    shown: dict[str, Any] = {
        "contactID": doc["contactID"],
        "loyaltyPoints": 0 if hides else doc["loyaltyPoints"],
        "hidePointsInWallet": hides,
        "discountTemplates": _templates(call, doc),
    }
    if call.query.get("badges") == "true":
        names = service.audience_names()
        shown["audiences"] = service.list_or_null(
            [{"name": names[each], "avatar": ""} for each in doc["audienceIDs"]]
        )
    return shown


def _templates(call: Call, doc: dict[str, Any]) -> Any:
    templates = []
    for each in call.service.store.documents("discount"):
        discount = msgspec.json.decode(each)
        token = doc["contactID"][:8]
        templates.append(
            {
                "id": discount["id"],
                "posDiscountID": discount["posDiscountID"],
                "avatar": "",
                "name": discount["name"],
                "pageTitle": discount["description"],
                "pointsDeduction": discount["pointsDeduction"],
                "dollarValue": discount["dollarValue"],
                "percentageValue": discount["percentageValue"],
                "tierDiscount": discount["tierDiscount"],
                "reusable": discount["reusable"],
                "available": doc["loyaltyPoints"] >= discount["pointsDeduction"],
                "inStoreRedemption": False,
                "expiration": 0,
                "redemptionURL": f"https://lab.alpineiq.com/api/v1.1/discount/redeem/"
                f"{call.uid}/{discount['id']}/{token}",
            }
        )
    return call.service.list_or_null(templates)


def pass_links(call: Call) -> Any:
    has_pass = found_by_id(call).document()["walletPass"]
    links = ("apple", "google")
    return {name: f"https://lab.alpineiq.com/pass/{name}" if has_pass else "" for name in links}


def brand_products(call: Call) -> Any:
    """A retailer's account has none."""
    return {"results": call.service.list_or_null([])}


def state_laws(_: Call) -> Any:
    return [
        {"state": state, "smsAllowed": True, "quietHoursStart": 21, "quietHoursEnd": 8}
        for state in ("OR", "AZ", "NY")
    ]


def settings(_: Call) -> Any:
    return {
        "timezone": "America/Los_Angeles",
        "doubleOptIn": False,
        "pointsEnabled": True,
        "conversionWindowDays": 14,
    }


def dead(_: Call) -> Any:
    raise Refusal(404, "Not Found")


def refused(_: Call) -> Any:
    raise Refusal(405, "Method Not Allowed")


_DEAD: Final = (
    "/api/v2/tiers/{uid}",
    "/api/v2/loyalty/{uid}",
    "/api/v2/stores",
    "/api/v2/locations",
    "/api/v2/channel-report",
    "/api/v1.1/optin/{uid}",
    "/api/v1.1/consent/{uid}",
    "/api/v1.1/discounts/{uid}",
    "/api/v1.1/export/{uid}",
    "/api/v1.1/locations/{uid}",
)
_WRITES: Final = (
    ("POST", "/api/v1.1/createUpdateSale/{uid}"),
    ("POST", "/api/v1.1/createUpdateSales/{uid}"),
    ("POST", "/api/v1.1/createUpdateMember/{uid}"),
    ("POST", "/api/v1.1/createUpdateMembers/{uid}"),
    ("POST", "/api/v1.1/createUpdateInventory/{uid}"),
    ("POST", "/api/v1.1/loyaltyContact/{uid}"),
    ("POST", "/api/v1.1/contact/referral/{uid}"),
    ("PUT", "/api/v1.1/contact/referral/{uid}/{contactID}"),
    ("PUT", "/api/v1.1/optin/{uid}/{phone}/{status}"),
    ("PUT", "/api/v1.1/adjust/loyaltyPoints/{uid}/{contactID}"),
    ("PUT", "/api/v1.1/discount/redeem/{uid}/{discountID}/{token}"),
    ("PUT", "/api/v1.1/stores/{uid}/{storeID}"),
    ("POST", "/api/v2/loyalty"),
    ("POST", "/api/v2/loyaltyContact/override/{uid}/{contactID}"),
    ("POST", "/api/v2/verify/contact/wallet"),
    ("POST", "/api/v2/view/contact/wallet"),
    ("PUT", "/api/v2/optin/text/{phone}/{status}"),
    ("PUT", "/api/v2/optin/email/{email}/{status}"),
    ("POST", "/api/v2/sms"),
    ("POST", "/api/v2/campaign"),
    ("POST", "/api/v2/integrators/events/ingest"),
)
ROUTES: Final = (
    Route("GET", "/api/v1.1/stores/{uid}", stores),
    Route("GET", "/api/v1.1/audiences/{uid}", audiences, ("start", "limit")),
    Route("GET", "/api/v1.1/audience/{uid}/{audienceID}", audience),
    Route("GET", "/api/v2/audience/members/{audienceID}", members),
    Route("GET", "/api/v2/loyalty/default/{uid}", program),
    Route("GET", "/api/v2/discount/{uid}", discounts),
    Route("GET", "/api/v2/discount/groups", discount_groups),
    Route("GET", "/api/v2/campaigns", campaigns, ("full",)),
    Route("GET", "/api/v1/campaigns/{uid}", campaigns, ("full",)),
    Route("GET", "/api/v2/campaign/stats/{campaignID}", campaign_stats),
    Route("GET", "/api/v1.1/campaigns/{uid}/stats/{campaignID}", campaign_stats),
    Route("POST", "/api/v2/campaigns/filtered/{uid}", campaigns_between),
    Route("POST", "/api/v1.1/campaigns/{uid}/reports/channels", channel_report),
    Route("POST", "/api/v2/wallet", wallet_by_address, ("badges",)),
    Route("GET", "/api/v2/wallet/{phone}", wallet_by_phone, ("badges",)),
    Route("GET", "/api/v1.1/wallet/{uid}/{contactID}", wallet_by_id, ("badges",)),
    Route("GET", "/api/v2/walletPassDownloadLinks/{contactID}", pass_links),
    Route("GET", "/api/v1.1/walletPass/{uid}/{contactID}", pass_links),
    Route("GET", "/api/v2/brand/products", brand_products, ("start", "limit")),
    Route("GET", "/api/v1.1/stateLaws", state_laws),
    Route("GET", "/api/v1.1/settings/{uid}", settings),
    *(Route("GET", path, dead) for path in _DEAD),
    *(Route(method, path, refused) for method, path in _WRITES),
)
