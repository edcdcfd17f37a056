"""Notes: API v1 only, HTML content, soft delete, no custom fields."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.listing import Conditions, sorted_by, v1_page
from sandbox.pipedrive.note_text import cleaned
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.shape import as_instant, is_day, is_integer, is_spaced_time
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import spaced, v1_time, v2_time

LINKS: Final = {"deal_id": "deal", "person_id": "person", "org_id": "organization"}
FOREIGN: Final = ("lead_id", "project_id", "task_id")
PINS: Final = {
    "pinned_to_deal_flag": "deal_id",
    "pinned_to_person_flag": "person_id",
    "pinned_to_organization_flag": "org_id",
    "pinned_to_lead_flag": "lead_id",
    "pinned_to_project_flag": "project_id",
    "pinned_to_task_flag": "task_id",
}
LONGEST: Final = 100_000
SORTABLE: Final = frozenset({"id", "user_id", "deal_id", "org_id", "person_id", "add_time"})


def _check_links(account: Account, doc: Doc) -> None:
    for key, kind in LINKS.items():
        value = doc.get(key)
        if value is None:
            continue
        row = account.find(kind, value) if is_integer(value) else None
        if row is None or row.deleted is not None:
            text = (
                f"Cannot add/update note because {kind} does not exist or you have no permissions "
                f"to access this {kind}."
            )
            raise general(400, text)
    if not any(doc.get(key) is not None for key in (*LINKS, *FOREIGN)):
        raise general(400, "Note must be linked to a deal, person, organization, lead or project.")


def _changes(account: Account, body: Doc) -> Doc:
    """The known keys of a body, as stored."""
    changes: Doc = {key: body[key] for key in (*LINKS, *FOREIGN) if key in body}
    if "content" in body:
        if not isinstance(body["content"], str) or not body["content"]:
            raise general(400, "Content must be given.")
        if len(body["content"]) > LONGEST:
            raise general(400, "Note content is too long.")
        changes["content"] = cleaned(body["content"], account.switches.note_cleaning)
    for flag in PINS:
        if flag in body:
            changes[flag] = bool(body[flag])
    if body.get("add_time") is not None:
        text = body["add_time"]
        moment = as_instant(text)
        if not is_spaced_time(text) and moment is None:
            raise general(400, "Bad request: add_time is not a valid datetime")
        changes["add_time"] = text if moment is None else spaced(moment)
    if body.get("user_id") is not None:
        changes["user_id"] = body["user_id"]
    return changes


def _check_people(account: Account, call: Call, changes: Doc) -> None:
    restricted = [key for key in ("add_time", "user_id") if key in changes]
    if restricted and not account.switches.administrator:
        raise general(403, "Only administrators can set the author or the time of a note.")
    user_id = changes.get("user_id", call.user_id)
    if not is_integer(user_id) or account.store.get("user", user_id) is None:
        raise general(400, "The user does not exist.")


def _check_pins(doc: Doc) -> None:
    for flag, key in PINS.items():
        if doc.get(flag) and doc.get(key) is None:
            raise general(400, f"{flag} needs {key}.")


def _show(account: Account, doc: Doc, call: Call) -> Doc:
    user = account.store.get("user", doc["user_id"])
    shown = {
        **{key: value for key, value in doc.items() if key != "_set"},
        "user": None
        if user is None
        else {
            "email": user.doc["email"],
            "name": user.doc["name"],
            "icon_url": None,
            "is_you": user.id == call.user_id,
        },
    }
    for key, kind, title in (
        ("deal_id", "deal", "title"),
        ("person_id", "person", "name"),
        ("org_id", "organization", "name"),
    ):
        row = account.store.get(kind, doc[key]) if doc[key] is not None else None
        shown[kind] = None if row is None else {title: row.doc[title]}
    return shown


def _add(account: Account, call: Call) -> Answer:
    body = call.body
    if "content" not in body:
        raise general(400, "Content must be given.")
    changes = _changes(account, body)
    _check_people(account, call, changes)
    moment = v1_time(call.now)
    doc: Doc = {
        "id": 0,
        "user_id": call.user_id,
        "deal_id": None,
        "person_id": None,
        "org_id": None,
        "lead_id": None,
        "project_id": None,
        "task_id": None,
        "content": "",
        "add_time": moment,
        "update_time": moment,
        "active_flag": True,
        **dict.fromkeys(PINS, False),
        "last_update_user_id": None,
        **changes,
    }
    if "add_time" in changes:
        doc["_set"] = ["add_time"]
    _check_links(account, doc)
    _check_pins(doc)
    most = account.switches.notes_per_deal
    deal_id = doc["deal_id"]
    if most is not None and deal_id is not None:
        held = account.store.count("note", "deal_id=? AND deleted IS NULL", (deal_id,))
        if held >= most:
            raise general(403, "Couldn't add the note. You've reached the notes per deal limit.")
    doc["id"] = account.store.reserve_ids("note")
    account.insert("note", doc, call.now)
    if account.switches.note_touches_parent:
        _touch_parents(account, doc, call)
    return Answer(_show(account, doc, call))


def _touch_parents(account: Account, doc: Doc, call: Call) -> None:
    for key, kind in LINKS.items():
        row = account.store.get(kind, doc[key]) if doc[key] is not None else None
        if row is not None:
            account.save(kind, row, {**row.doc, "update_time": v2_time(call.now)}, call.now)


def found(account: Account, call: Call) -> Row:
    row = account.store.get("note", call.number("id"))
    if row is None:
        raise not_found("Note not found")
    return row


def _change(account: Account, call: Call) -> Answer:
    row = found(account, call)
    if row.deleted is not None:
        raise not_found("Note not found")
    changes = _changes(account, call.body)
    _check_people(account, call, changes)
    doc = {**row.doc, **changes}
    if doc != row.doc:
        _check_links(account, doc)
        _check_pins(doc)
        doc["update_time"] = v1_time(call.now)
        doc["last_update_user_id"] = call.user_id
        account.save("note", row, doc, call.now)
    return Answer(_show(account, doc, call))


def _read(account: Account, call: Call) -> Answer:
    return Answer(_show(account, found(account, call).doc, call))


def _remove(account: Account, call: Call) -> Answer:
    row = found(account, call)
    if row.deleted is not None:
        raise not_found("Note not found")
    account.soft_delete("note", row, call.now)
    return Answer(data=True)


def _conditions(account: Account, call: Call) -> Conditions:
    query = call.query
    conditions = Conditions()
    conditions.add("deleted IS NULL")
    _between_days(query, conditions)
    for key in ("user_id", *LINKS, *FOREIGN):
        if key in query:
            conditions.add(f"{key}=?", query[key])
    if account.switches.list_lag > 0:
        conditions.add("created<=?", call.now - account.switches.list_lag)
    if "updated_since" in query:
        moment = as_instant(query["updated_since"])
        if moment is None:
            raise general(400, "Bad request")
        conditions.add("update_time>=?", spaced(moment))
    for flag in PINS:
        if flag in query:
            conditions.add(f"json_extract(doc,'$.{flag}')=?", int(query[flag]))
    return conditions


def _between_days(query: Doc, conditions: Conditions) -> None:
    for name, sql in (
        ("start_date", "substr(add_time,1,10)>=?"),
        ("end_date", "substr(add_time,1,10)<=?"),
    ):
        if name in query:
            if not is_day(query[name]):
                raise general(400, "Bad request")
            conditions.add(sql, query[name])


def _list(account: Account, call: Call) -> Answer:
    conditions = _conditions(account, call)
    order = sorted_by(call.query.get("sort", "id"), SORTABLE | {"update_time"})

    def fetch(limit: int, offset: int) -> list[Row]:
        sql = f"{conditions.sql()} ORDER BY {order} LIMIT ? OFFSET ?"
        return list(account.store.rows("note", sql, [*conditions.values, limit, offset]))

    def show(doc: Doc) -> Doc:
        return _show(account, doc, call)

    return v1_page(account, call, fetch, show)


_BASE: Final = "/api/v1/notes"
_ONE: Final = _BASE + "/{id}"
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", _BASE): _list,
    ("POST", _BASE): _add,
    ("GET", _ONE): _read,
    ("PUT", _ONE): _change,
    ("DELETE", _ONE): _remove,
}
