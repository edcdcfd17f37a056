"""Followers of deals, persons, organizations and products by v2."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import invalid, not_found
from sandbox.pipedrive.listing import page_of_items
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Row
from sandbox.pipedrive.times import v2_time

PLURALS: Final = {
    "deal": "deals",
    "person": "persons",
    "organization": "organizations",
    "product": "products",
}


def _rows(account: Account, kind: str, record_id: int) -> list[Row]:
    return list(
        account.store.rows("follower", "entity=? AND entity_id=? ORDER BY id", (kind, record_id))
    )


def _target(account: Account, kind: str, call: Call) -> int:
    record_id = call.number("id")
    row = account.find(kind, record_id)
    if row is None or row.deleted is not None:
        raise not_found(f"{kind.capitalize()} not found")
    return record_id


def _routes(kind: str) -> dict[tuple[str, str], Handler]:
    base = f"/api/v2/{PLURALS[kind]}" + "/{id}/followers"

    def list_all(account: Account, call: Call) -> Answer:
        record_id = _target(account, kind, call)
        shown = [
            {"user_id": row.doc["user_id"], "add_time": row.doc["add_time"]}
            for row in _rows(account, kind, record_id)
        ]
        return page_of_items(account, call, base, shown)

    def add(account: Account, call: Call) -> Answer:
        record_id = _target(account, kind, call)
        user_id = call.body["user_id"]
        if account.store.get("user", user_id) is None:
            raise invalid([f"user_id: The user {user_id} does not exist"])
        if any(row.doc["user_id"] == user_id for row in _rows(account, kind, record_id)):
            raise invalid([f"user_id: The user {user_id} follows already"])
        moment = v2_time(call.now)
        doc = {
            "id": account.store.reserve_ids("follower"),
            "entity": kind,
            "entity_id": record_id,
            "user_id": user_id,
            "add_time": moment,
        }
        account.store.insert("follower", doc, call.now)
        return Answer({"user_id": user_id, "add_time": moment})

    def remove(account: Account, call: Call) -> Answer:
        record_id = _target(account, kind, call)
        user_id = call.number("follower_id")
        for row in _rows(account, kind, record_id):
            if row.doc["user_id"] == user_id:
                account.store.remove("follower", row.id)
                return Answer({"user_id": user_id})
        raise not_found("Follower not found")

    return {
        ("GET", base): list_all,
        ("POST", base): add,
        ("DELETE", base + "/{follower_id}"): remove,
    }


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    key: handler for kind in PLURALS for key, handler in _routes(kind).items()
}
