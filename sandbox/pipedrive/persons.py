"""Persons: names, contact points, labels, contact sync fields, the marketing status."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.field_registry import CONTACT_SYNC
from sandbox.pipedrive.listing import page, shared_conditions
from sandbox.pipedrive.present import Presenter
from sandbox.pipedrive.records import Handler, Kind, handlers
from sandbox.pipedrive.shape import is_day
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time

NOTES_LONGEST: Final = 10_000


def _blank(account: Account, call: Call) -> Doc:
    now = v2_time(call.now)
    return {
        "name": "",
        "first_name": None,
        "last_name": None,
        "owner_id": call.user_id,
        "org_id": None,
        "add_time": now,
        "update_time": now,
        "emails": [],
        "phones": [],
        "is_deleted": False,
        "visible_to": max(account.plan.visibilities),
        "label_ids": [],
        "picture_id": None,
        "postal_address": None,
        "notes": None,
        "im": [],
        "birthday": None,
        "job_title": None,
        "custom_fields": {},
        "marketing_status": "no_consent",
    }


def _name_parts(body: Doc, row: Row | None, problems: rules.Problems) -> None:
    parts = [key for key in ("first_name", "last_name") if key in body]
    if "name" in body:
        if parts:
            problems.append("name: Cannot set 'name' and 'first_name'/'last_name' at the same time")
        rules.name(body, "name", problems)
        first, _, last = body["name"].strip().partition(" ")
        body["first_name"], body["last_name"] = first or None, last or None
    elif parts:
        old = row.doc if row is not None else {}
        both = [body.get(key, old.get(key)) or "" for key in ("first_name", "last_name")]
        body["name"] = " ".join(both).strip()
        rules.name(body, "name", problems)
    elif row is None:
        problems.append("name: The value is required")


def _marketing(account: Account, body: Doc, row: Row | None) -> None:
    """May change once and only with Campaigns; what is forbidden is silently ignored."""
    wanted = body.pop("marketing_status", None)
    if wanted is None or not account.switches.campaigns:
        return
    before = row.doc["marketing_status"] if row is not None else "no_consent"
    emails = body.get("emails") or (row.doc["emails"] if row is not None else [])
    reachable = any("@" in entry.get("value", "") for entry in emails)
    if before == "no_consent" and (reachable or wanted == "no_consent"):
        body["marketing_status"] = wanted


def _contact_sync(account: Account, body: Doc, problems: rules.Problems) -> None:
    used = [key for key in CONTACT_SYNC if key in body]
    if used and not account.switches.contact_sync:
        raise general(403, f"The field {used[0]} is not available: contact sync is not set up")
    if body.get("birthday") is not None and not is_day(body["birthday"]):
        problems.append("birthday: The value is not a valid date")
    if len(body.get("notes") or "") > NOTES_LONGEST:
        problems.append(f"notes: The value is longer than {NOTES_LONGEST} characters")
    rules.address(body, "postal_address", problems)
    rules.entries(account, body, "im", problems)


def prepare(
    account: Account, _call: Call, body: Doc, row: Row | None, problems: rules.Problems
) -> Doc:
    _contact_sync(account, body, problems)
    _name_parts(body, row, problems)
    rules.owner(account, body, "owner_id", problems)
    rules.link(account, body, "org_id", "organization", problems)
    rules.entries(account, body, "emails", problems)
    rules.entries(account, body, "phones", problems)
    rules.visibility(account, body, problems)
    rules.labels(account, "person", body, problems)
    rules.instant(body, "add_time", problems)
    rules.custom_fields(account, "person", body, problems)
    _marketing(account, body, row)
    if row is None:
        body["custom_fields"] = rules.filled(body.get("custom_fields"))
        if "add_time" in body:
            body["_set"] = ["add_time"]
    return body


PERSON: Final = Kind(
    "person", "persons", ("owner_id", "org_id"), _blank, prepare, "Person not found"
)


def _list_persons(account: Account, call: Call) -> Answer:
    conditions = shared_conditions(account, call, "person", PERSON.filters)
    if "deal_id" in call.query:
        conditions.add(
            "id IN (SELECT person_id FROM deal WHERE id=? AND deleted IS NULL)",
            call.query["deal_id"],
        )
    show = Presenter(account, "person", call.query).show
    return page(account, call, "person", conditions, show)


def _picture(_account: Account, _call: Call) -> Answer:
    raise not_found("Picture not found")


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **handlers(PERSON),
    ("GET", "/api/v2/persons"): _list_persons,
    ("GET", "/api/v2/persons/{id}/picture"): _picture,
}
