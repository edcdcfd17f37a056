"""Merging two persons, organizations or deals: irreversible, by v1 or by hand.

The record named by `merge_with_id` survives and its values win; the other one fills its gaps,
hands over its children and disappears like a deleted record.
"""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.shape import is_integer
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import spaced, v2_time

CHILDREN: Final = {
    "person": (("deal", "person_id"), ("note", "person_id"), ("activity", "person_id")),
    "organization": (
        ("person", "org_id"),
        ("deal", "org_id"),
        ("note", "org_id"),
        ("activity", "org_id"),
    ),
    "deal": (("deal_product", "deal_id"), ("note", "deal_id"), ("activity", "deal_id")),
}
PLURALS: Final = {"person": "persons", "organization": "organizations", "deal": "deals"}


def _filled(winner: Doc, loser: Doc) -> Doc:
    doc = dict(winner)
    for key, value in loser.items():
        if doc.get(key) in (None, "", []) and key != "_set":
            doc[key] = value
    doc["custom_fields"] = {**loser["custom_fields"], **winner["custom_fields"]}
    for key in ("emails", "phones"):
        if key in winner:
            known = {entry["value"] for entry in winner[key]}
            extra = [entry for entry in loser[key] if entry["value"] not in known]
            doc[key] = winner[key] + [{**entry, "primary": False} for entry in extra]
    doc["label_ids"] = list(dict.fromkeys(winner["label_ids"] + loser["label_ids"]))
    return doc


def merge_records(account: Account, kind: str, loser: Row, winner: Row, now: float) -> Doc:
    """Lets `winner` swallow `loser`."""
    doc = {**_filled(winner.doc, loser.doc), "update_time": v2_time(now)}
    account.store.note_change(kind, winner.doc, doc, account.admin_id, "app", now)
    account.save(kind, winner, doc, now)
    for child, column in CHILDREN[kind]:
        for row in list(account.store.rows(child, f"{column}=?", (loser.id,))):
            moved = {**row.doc, column: winner.id}
            account.store.save(child, moved, deleted=row.deleted, archived=row.archived)
    account.soft_delete(kind, loser, now)
    return doc


def _v1_form(doc: Doc) -> Doc:
    """The flat record of API v1: custom fields at top level, times with a space."""
    shown = {key: value for key, value in doc.items() if key != "_set"}
    custom = shown.pop("custom_fields")
    for key, value in shown.items():
        if key.endswith("_time") and isinstance(value, str):
            shown[key] = spaced(value)
    for plural, single in (("emails", "email"), ("phones", "phone")):
        if plural in shown:
            shown[single] = shown.pop(plural)
    return {**shown, **custom, "visible_to": str(doc["visible_to"]), "active_flag": True}


def _route(kind: str) -> Handler:
    def merge(account: Account, call: Call) -> Answer:
        other = call.body.get("merge_with_id")
        loser = account.find(kind, call.number("id"))
        winner = account.find(kind, other) if is_integer(other) else None
        if loser is None or loser.deleted is not None:
            raise not_found(f"{kind.capitalize()} not found")
        if winner is None or winner.deleted is not None or winner.id == loser.id:
            raise general(400, "merge_with_id is not valid.")
        doc = merge_records(account, kind, loser, winner, call.now)
        return Answer({**_v1_form(doc), "merge_what_id": loser.id})

    return merge


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("PUT", f"/api/v1/{plural}" + "/{id}/merge"): _route(kind) for kind, plural in PLURALS.items()
}
