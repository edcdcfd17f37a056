"""Who changed which field of a record, as the v1 change logs of deals, persons and organizations.

Newest first, one entry a field. Values are texts, an option's its id. That the API lists them in
this form, at once and for calls of the API too, is taken from the documents' example and not
verified. Merges count as changes of the app.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import not_found
from sandbox.pipedrive.listing import page_of_items
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc
from sandbox.pipedrive.times import v1_time

PLURALS: Final = {"deal": "deals", "person": "persons", "organization": "organizations"}


def _shown(entry: Doc) -> Doc:
    return {
        "field_key": entry["field"],
        "old_value": _text(entry["before"]),
        "new_value": _text(entry["after"]),
        "actor_user_id": entry["user_id"],
        "time": v1_time(entry["at"]),
        "change_source": entry["source"],
        "change_source_user_agent": None,
        "is_bulk_update_flag": False,
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _route(kind: str) -> Handler:
    def changelog(account: Account, call: Call) -> Answer:
        row = account.find(kind, call.number("id"))
        if row is None:
            raise not_found(f"{kind.capitalize()} not found")
        entries = [_shown(one) for one in account.store.changes_of(kind, row.id)]
        return page_of_items(account, call, f"{kind} {row.id}", entries)

    return changelog


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", f"/api/v1/{plural}" + "/{id}/changelog"): _route(kind)
    for kind, plural in PLURALS.items()
}
