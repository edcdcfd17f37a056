"""Comments of notes: API v1, named by a UUID, soft delete."""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.listing import v1_page
from sandbox.pipedrive.note_text import cleaned
from sandbox.pipedrive.notes import found
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v1_time


def _comment(account: Account, call: Call) -> Row:
    note = found(account, call)
    comment_id = call.values["commentId"]
    for row in account.store.rows("comment", "note_id=? AND deleted IS NULL", (note.id,)):
        if row.doc["uuid"] == comment_id:
            return row
    raise not_found("Comment not found")


def _content(call: Call) -> str:
    content: Any = call.body.get("content")
    if not isinstance(content, str) or not content:
        raise general(400, "Content must be given.")
    return content


def _add_comment(account: Account, call: Call) -> Answer:
    note = found(account, call)
    number = account.store.reserve_ids("comment")
    moment = v1_time(call.now)
    doc = {
        "id": number,
        "uuid": f"00000000-0000-4000-8000-{number:012x}",
        "note_id": note.id,
        "object_id": str(note.id),
        "object_type": "note",
        "active_flag": True,
        "company_id": account.company_id,
        "user_id": call.user_id,
        "updater_id": None,
        "content": cleaned(_content(call), account.switches.note_cleaning),
        "add_time": moment,
        "update_time": moment,
    }
    account.insert("comment", doc, call.now)
    return Answer(_shown_comment(doc))


def _shown_comment(doc: Doc) -> Doc:
    return {key: value for key, value in doc.items() if key not in ("id", "note_id")}


def _read_comment(account: Account, call: Call) -> Answer:
    return Answer(_shown_comment(_comment(account, call).doc))


def _change_comment(account: Account, call: Call) -> Answer:
    row = _comment(account, call)
    text = cleaned(_content(call), account.switches.note_cleaning)
    doc = {**row.doc, "content": text, "update_time": v1_time(call.now)}
    account.save("comment", row, {**doc, "updater_id": call.user_id}, call.now)
    return Answer(_shown_comment(doc))


def _remove_comment(account: Account, call: Call) -> Answer:
    account.soft_delete("comment", _comment(account, call), call.now)
    return Answer(data=True)


def _comments(account: Account, call: Call) -> Answer:
    note = found(account, call)

    def fetch(limit: int, offset: int) -> list[Row]:
        sql = "note_id=? AND deleted IS NULL ORDER BY id LIMIT ? OFFSET ?"
        return list(account.store.rows("comment", sql, (note.id, limit, offset)))

    return v1_page(account, call, fetch, _shown_comment)


_ALL: Final = "/api/v1/notes/{id}/comments"
_ONE: Final = _ALL + "/{commentId}"
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", _ALL): _comments,
    ("POST", _ALL): _add_comment,
    ("GET", _ONE): _read_comment,
    ("PUT", _ONE): _change_comment,
    ("DELETE", _ONE): _remove_comment,
}
