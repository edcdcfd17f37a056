"""Webhooks by v1: subscriptions are kept, deliveries are counted and never sent."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import ApiError, general
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.times import v1_time

MOST: Final = 40
NEEDED: Final = ("subscription_url", "event_action", "event_object", "name")


def _refused(status: int, problems: dict[str, list[str]]) -> ApiError:
    return ApiError(status, {"status": "error", "success": False, "errors": problems})


def _list(account: Account, _call: Call) -> Answer:
    rows = account.store.rows("webhook", "deleted IS NULL ORDER BY id")
    return Answer([row.doc for row in rows], {"status": "ok"})


def _add(account: Account, call: Call) -> Answer:
    problems: dict[str, list[str]] = {}
    for key in NEEDED:
        value = call.body.get(key)
        allowed = call.endpoint.body[key].enum
        if not isinstance(value, str) or not value or (allowed and value not in allowed):
            problems[key] = [f"{key} is missing or not valid"]
    if problems:
        raise _refused(400, problems)
    if account.store.count("webhook") >= MOST:
        raise general(422, "Webhooks limit reached.")
    number = account.store.reserve_ids("webhook")
    doc = {
        "id": number,
        "company_id": account.company_id,
        "owner_id": call.user_id,
        "user_id": call.body.get("user_id") or call.user_id,
        "event_action": call.body["event_action"],
        "event_object": call.body["event_object"],
        "subscription_url": call.body["subscription_url"],
        "version": call.body.get("version", "2.0"),
        "is_active": 1,
        "add_time": v1_time(call.now).replace(" ", "T") + "Z",
        "remove_time": None,
        "type": "general",
        "http_auth_user": call.body.get("http_auth_user"),
        "http_auth_password": call.body.get("http_auth_password"),
        "remove_reason": None,
        "last_delivery_time": None,
        "last_http_status": None,
        "admin_id": call.user_id,
        "name": call.body["name"],
    }
    account.store.insert("webhook", doc, call.now)
    account.reload_hooks()
    return Answer(doc, {"status": "ok"})


def _remove(account: Account, call: Call) -> Answer:
    row = account.store.get("webhook", call.number("id"))
    if row is None:
        raise _refused(404, {"id": ["The webhook does not exist"]})
    account.store.remove("webhook", row.id)
    account.reload_hooks()
    return Answer(None, {"status": "ok"})


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/api/v1/webhooks"): _list,
    ("POST", "/api/v1/webhooks"): _add,
    ("DELETE", "/api/v1/webhooks/{id}"): _remove,
}
