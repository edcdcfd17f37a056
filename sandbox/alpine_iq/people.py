"""Endpoints about contacts: list, search, look-ups by id, by source id, by phone or e-mail.

Raises `Refusal`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.alpine_iq import views
from sandbox.alpine_iq.routing import Call, Refusal, Route
from sandbox.alpine_iq.store import Contact, digits_of

NOT_FOUND: Final = "not found"
_SORTS: Final = {
    "name": "name",
    "email": "email",
    "mobilePhone": "mobile",
    "homePhone": "home",
    "source": "source",
    "id": "contact_id",
    "inserted": "inserted",
    "signup": "signup",
    "points": "points",
    "usedpoints": "used_points",
}
_FLAGS: Final = {
    "has:phone": "(mobile <> '' or home <> '')",
    "has:mobile": "mobile <> ''",
    "has:home": "home <> ''",
    "has:email": "email <> ''",
    "has:name": "name <> ''",
    "has:points": "points <> 0",
    "has:usedpoints": "used_points <> 0",
    "is:member": "signup <> 0",
    "not:member": "signup = 0",
}
_BY_SOURCE_ID: Final = "select seq from source_ids where source_id = ?"
_BY_NUMBER: Final = (
    "select seq from contacts where mobile = ?"
    f" union all select seq from contacts where home = ? union all {_BY_SOURCE_ID}"
)
_BY_TEXT: Final = f"(instr(name, ?) > 0 or contact_id = ? or seq in ({_BY_SOURCE_ID}))"
_TERM: Final = re.compile(r'"([^"]*)"|(\S+)')
_PHONE: Final = re.compile(r"[+\d][\d\s().-]{6,}")


def list_contacts(call: Call) -> Any:
    """One page; `total` counts the whole set after the search."""
    switches, store = call.service.switches, call.service.store
    start = call.number("start", 0)
    limit = min(call.number("limit", 100), int(switches["paging.max_limit"]))
    condition, values = _condition(call.query.get("search", ""), call.now)
    column = _SORTS.get(call.query.get("sort", "") or "name")
    if column is None:
        raise Refusal(400, "sort is unknown")
    direction = "desc" if call.query.get("dir", "").lower() == "desc" else "asc"
    asked, start = start, call.service.page_start(start)
    page = store.page(
        f"where {condition} order by {column} {direction} limit ? offset ?",
        [*values, limit, start],
    )
    total = store.value(f"select count(*) from contacts where {condition}", values)
    results = [views.listed(doc) for doc in page]
    call.service.churn()
    return {
        "results": call.service.list_or_null(results),
        "start": asked,
        "total": total,
        "limit": limit,
        "size": len(results),
    }


def _condition(search: str, now: float) -> tuple[str, list[Any]]:
    parts, values = ["hidden is null", "visible_from <= ?"], [now]
    found: list[Any] = [*values]
    phone = _PHONE.fullmatch(search.strip())
    terms = [("", search.strip())] if phone else _TERM.findall(search)
    for quoted, bare in terms:
        part, given = _term(quoted, bare)
        parts.append(part)
        found.extend(given)
    return " and ".join(parts), found


def _term(quoted: str, bare: str) -> tuple[str, list[Any]]:
    if quoted:
        return "name = ?", [quoted.casefold()]
    word = bare.casefold()
    if word in _FLAGS:
        return _FLAGS[word], []
    if word.startswith("merge:"):
        merged = "select merged_into from contacts where mobile = ? or email = ?"
        return f"seq in ({merged})", [digits_of(word) or "-", word.removeprefix("merge:")]
    if "@" in word:
        return "email = ?", [word.removeprefix("email:")]
    if len(digits_of(bare)) == 10 and _PHONE.fullmatch(bare):
        return f"seq in ({_BY_NUMBER})", [digits_of(bare), digits_of(bare), bare]
    return _BY_TEXT, [word, bare, bare]


def contact_by_id(call: Call) -> Any:
    return _shown_by_id(call, found_by_id(call))


def found_by_id(call: Call) -> Contact:
    """The contact of the path; 404 when it isn't there, or hidden and not to be seen by id."""
    service = call.service
    contact = service.store.contact(call.path["contactID"])
    contact = None if contact is None else _reachable(call, contact, "hidden.by_id")
    if contact is None:
        raise Refusal(404, NOT_FOUND)
    return contact


def _reachable(call: Call, contact: Contact, switch: str) -> Contact | None:
    service = call.service
    if contact.visible_from > call.now or contact.hidden in {"deleted", "anonymous"}:
        return None
    if contact.hidden == "merged":
        if service.switches["merged.by_id"] == "404" or contact.merged_into is None:
            return None
        survivor = service.store.contact_number(contact.merged_into)
        return None if survivor is None else _reachable(call, survivor, switch)
    if contact.hidden is not None and service.switches[switch] == "hidden":
        return None
    return contact


def _shown_by_id(call: Call, contact: Contact) -> dict[str, Any]:
    service = call.service
    doc = contact.document()
    if contact.hidden is not None and service.switches["hidden.by_id"] == "redacted":
        doc = views.redacted(doc)
    shown = views.detailed(
        doc,
        extra=service.switches["detail.extra"] == "on",
        audience_names=service.audience_names(),
        now=call.now,
    )
    if service.switches["push_tokens"] == "on" and doc["pushOptIn"]:
        token = f"sandbox-{contact.contact_id[:12]}"
        shown["pushTokens"] = [{"platform": "ios", "token": token, "ts": doc["inserted"]}]
    return shown


def contact_by_source_id(call: Call) -> Any:
    source_id = call.path.get("srcID") or call.query.get("srcID", "")
    if not source_id:
        raise Refusal(400, "srcID is required")
    source = call.query.get("source", "")
    found = call.service.store.contacts(
        "where seq in (select seq from source_ids where source_id = ? and (? = '' or source = ?))"
        " order by contact_id",
        (source_id, source, source),
    )
    return _shown_by_id(call, _first_reachable(call, found))


def _first_reachable(call: Call, found: list[Contact]) -> Contact:
    for each in found:
        contact = _reachable(call, each, "hidden.by_lookup")
        if contact is not None:
            return contact
    raise Refusal(404, NOT_FOUND)


def found_by_address(call: Call, address: str) -> Contact:
    """The first contact by id with that phone or e-mail; listed ones before hidden ones."""
    order = "order by hidden is not null, contact_id"
    store = call.service.store
    if "@" in address:
        found = store.contacts(f"where email = ? {order}", (address.strip().casefold(),))
    else:
        digits = digits_of(address) or "-"
        found = store.contacts(f"where mobile = ? or home = ? {order}", (digits, digits))
    return _first_reachable(call, found)


def look_up(call: Call) -> Any:
    contact = found_by_address(call, call.path["pii"])
    doc = contact.document()
    consent = consent_of(contact, doc)
    names = [tier["name"] for tier in call.service.tiers()]
    return {
        "contactID": doc["contactID"],
        "loyalty": doc["loyalty"],
        "optin": consent["text"],
        "emailOptIn": consent["email"],
        "contact": {
            "id": doc["contactID"],
            "universalID": doc["contactID"],
            "email": doc["email"],
            "phone": doc["mobilePhone"],
            "firstName": doc["firstName"],
            "lastName": doc["lastName"],
        },
        "wallet": {
            "points": doc["loyaltyPoints"],
            "tier": doc["tier"],
            "tierLevel": names.index(doc["tier"]) + 1 if doc["tier"] in names else 0,
            "lifetimePoints": doc["lifetimePoints"],
        },
    }


def consent_of(contact: Contact, doc: dict[str, Any]) -> dict[str, bool]:
    """Whether texts and e-mails are allowed; never for somebody hidden."""
    allowed = contact.hidden is None
    texts_in, texts_out = doc["optinTime"] or 0, doc["optoutTime"] or 0
    mails_in, mails_out = doc["emailOptInTime"] or 0, doc["emailOptOutTime"] or 0
    return {
        "text": allowed and texts_in > texts_out,
        "email": allowed and mails_in > mails_out,
    }


def contact_id_of_address(call: Call) -> Any:
    return {"contactID": found_by_address(call, call.path["address"]).contact_id}


def opt_in(call: Call) -> Any:
    if call.service.switches["optin.get"] == "404":
        raise Refusal(404, "Not Found")
    address = call.path["address"]
    contact = found_by_address(call, address)
    doc = contact.document()
    by_mail = "@" in address
    names = ("emailOptInTime", "emailOptOutTime") if by_mail else ("optinTime", "optoutTime")
    opted_in = consent_of(contact, doc)["email" if by_mail else "text"]
    return {
        "address": address,
        "channel": "email" if by_mail else "text",
        "optedIn": opted_in,
        "optinTime": doc[names[0]],
        "optoutTime": doc[names[1]],
        "pending": not by_mail and not opted_in and bool(doc["hasRequested"]),
        "contactID": contact.contact_id,
    }


def custom_attributes(call: Call) -> Any:
    attributes = found_by_id(call).document()["customAttributes"]
    return call.service.list_or_null(attributes or [])


def override(call: Call) -> Any:
    """What staff has set for good; null for nearly everybody."""
    if call.service.switches["override.get"] == "404":
        raise Refusal(404, "Not Found")
    contact = found_by_id(call)
    stored = call.service.stored("override", contact.contact_id)
    return stored if stored is not None else _generated_override(contact)


def _generated_override(contact: Contact) -> dict[str, Any] | None:
    """One in nine has values that the look-up shows as well, one in eighteen rewards on top."""
    if contact.seq % 9 != _WITH_OVERRIDE:
        return None
    doc = contact.document()
    found: dict[str, Any] = {
        "contactID": contact.contact_id,
        "overrides": {name: doc[name] for name in ("firstName", "birthdate") if doc.get(name)},
        "updated": doc["inserted"] + 86_400,
    }
    if contact.seq % 18 == _WITH_OVERRIDE:
        found["rewardOverrides"] = [
            {"discountID": "8812", "points": 50, "expires": doc["inserted"] + 31_536_000},
            {"discountID": "8813", "points": 12.5, "expires": None},
        ]
    return found


def export(_: Call) -> Any:
    raise Refusal(400, "Bad Request")


_WITH_OVERRIDE: Final = 4
_LIST_PARAMETERS: Final = ("start", "limit", "sort", "dir", "search")
_BY_SOURCE: Final = ("srcID", "source")
ROUTES: Final = (
    Route("GET", "/api/v1.1/piis/{uid}", list_contacts, _LIST_PARAMETERS),
    Route("GET", "/api/v1.1/piis/{uid}/{contactID}", contact_by_id),
    Route("GET", "/api/v1.1/piis/{uid}/export", export),
    Route("GET", "/api/v1/piis/{uid}/bySrcID", contact_by_source_id, _BY_SOURCE),
    Route("GET", "/api/v1/piis/{uid}/bySrcID/{srcID}", contact_by_source_id, _BY_SOURCE),
    Route("GET", "/api/v1.1/piis/{uid}/bySrcID", contact_by_source_id, _BY_SOURCE),
    Route("GET", "/api/v1.1/piis/{uid}/bySrcID/{srcID}", contact_by_source_id, _BY_SOURCE),
    Route("GET", "/api/v2/loyaltyContact/override/{uid}/{contactID}", override),
    Route("GET", "/api/v1.1/contact/customAttributes/{uid}/{contactID}", custom_attributes),
    Route("GET", "/api/v2/loyalty/lookup/{pii}", look_up),
    Route("POST", "/api/v2/loyalty/lookup/{pii}", look_up),
    Route("GET", "/api/v2/lookup/{address}", contact_id_of_address),
    Route("GET", "/api/v2/lookup/email/{address}", contact_id_of_address),
    Route("GET", "/api/v2/optin/{address}", opt_in),
    Route("GET", "/api/v2/optin/email/{address}", opt_in),
    Route("GET", "/api/v2/optin/text/{address}", opt_in),
)
