"""Activities by v2 and their types by v1. `person_id` is read-only: it follows `participants`."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.note_text import cleaned
from sandbox.pipedrive.records import Handler, Kind, handlers
from sandbox.pipedrive.shape import CLOCK_TIME, is_day
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v1_time, v2_time

LONGEST_NOTE: Final = 100_000


def _blank(_account: Account, call: Call) -> Doc:
    now = v2_time(call.now)
    return {
        "subject": "",
        "type": "call",
        "owner_id": call.user_id,
        "creator_user_id": call.user_id,
        "is_deleted": False,
        "add_time": now,
        "update_time": now,
        "deal_id": None,
        "lead_id": None,
        "person_id": None,
        "org_id": None,
        "project_id": None,
        "due_date": now[:10],
        "due_time": None,
        "duration": None,
        "busy": False,
        "done": False,
        "marked_as_done_time": None,
        "location": None,
        "participants": [],
        "attendees": [],
        "conference_meeting_client": None,
        "conference_meeting_url": None,
        "conference_meeting_id": None,
        "public_description": None,
        "priority": None,
        "outcome": None,
        "note": None,
    }


def _type_keys(account: Account) -> list[str]:
    rows = account.store.rows("activity_type", "deleted IS NULL ORDER BY id")
    return [row.doc["key_string"] for row in rows]


def _times(body: Doc, problems: rules.Problems) -> None:
    if body.get("due_date") is not None and not is_day(body["due_date"]):
        problems.append("due_date: The value is not a valid date")
    for key in ("due_time", "duration"):
        text = body.get(key)
        if text is None:
            continue
        if not CLOCK_TIME.fullmatch(text):
            problems.append(f"{key}: The value is not a valid time")
        elif len(text) == 5:
            body[key] = text + ":00"


def _participants(account: Account, body: Doc, problems: rules.Problems) -> None:
    people = body.get("participants")
    if people is None:
        return
    for person in people:
        rules.link(account, person, "person_id", "person", problems)
    primary = [person for person in people if person.get("primary")]
    first = (primary or people)[:1]
    body["person_id"] = first[0].get("person_id") if first else None


def prepare(
    account: Account, call: Call, body: Doc, row: Row | None, problems: rules.Problems
) -> Doc:
    kinds = _type_keys(account)
    if body.get("type") is not None and body["type"] not in kinds:
        problems.append(f"type: The activity type {body['type']} does not exist")
    rules.owner(account, body, "owner_id", problems)
    rules.link(account, body, "deal_id", "deal", problems)
    rules.link(account, body, "org_id", "organization", problems)
    rules.address(body, "location", problems)
    _times(body, problems)
    _participants(account, body, problems)
    if body.get("note") is not None:
        if len(body["note"]) > LONGEST_NOTE:
            problems.append(f"note: The value is longer than {LONGEST_NOTE} characters")
        body["note"] = cleaned(body["note"], account.switches.note_cleaning)
    if "done" in body and body["done"] != (row.doc["done"] if row is not None else False):
        body["marked_as_done_time"] = v2_time(call.now) if body["done"] else None
    if row is None:
        body.setdefault("type", kinds[0] if kinds else "call")
        body.setdefault("subject", body["type"].capitalize())
    return body


ACTIVITY: Final = Kind(
    "activity",
    "activities",
    ("owner_id", "deal_id", "lead_id", "person_id", "org_id", "done"),
    _blank,
    prepare,
    "Activity not found",
)

# types


def _types(account: Account, _call: Call) -> Answer:
    rows = account.store.rows("activity_type", "deleted IS NULL ORDER BY id")
    return Answer([row.doc for row in rows])


def _add_type(account: Account, call: Call) -> Answer:
    body = call.body
    for key in ("name", "icon_key"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise general(400, f"{key.capitalize()} must be given.")
    if body["icon_key"] not in (call.endpoint.body["icon_key"].enum or ()):
        raise general(400, "Bad request")
    moment = v1_time(call.now)
    number = account.store.reserve_ids("activity_type")
    key = "_".join(body["name"].casefold().split())
    doc = {
        "id": number,
        "order_nr": number,
        "name": body["name"],
        "key_string": f"{key}_{number}" if key in _type_keys(account) else key,
        "icon_key": body["icon_key"],
        "active_flag": True,
        "color": body.get("color", "FFFFFF"),
        "is_custom_flag": True,
        "add_time": moment,
        "update_time": moment,
    }
    return Answer(account.insert("activity_type", doc, call.now))


def _type(account: Account, call: Call) -> Row:
    row = account.store.get("activity_type", call.number("id"))
    if row is None or row.deleted is not None:
        raise not_found("Activity type not found")
    return row


def _change_type(account: Account, call: Call) -> Answer:
    row = _type(account, call)
    changes = {key: value for key, value in call.body.items() if key in row.doc}
    doc = {**row.doc, **changes, "update_time": v1_time(call.now)}
    return Answer(account.save("activity_type", row, doc, call.now))


def _remove_type(account: Account, call: Call) -> Answer:
    row = _type(account, call)
    account.soft_delete("activity_type", row, call.now)
    return Answer(row.doc)


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **handlers(ACTIVITY),
    ("GET", "/api/v1/activityTypes"): _types,
    ("POST", "/api/v1/activityTypes"): _add_type,
    ("PUT", "/api/v1/activityTypes/{id}"): _change_type,
    ("DELETE", "/api/v1/activityTypes/{id}"): _remove_type,
}
