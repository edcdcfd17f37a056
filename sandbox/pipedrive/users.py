"""Users of the company, by API v1. The token belongs to the first user, an administrator."""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import ApiError, general
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v1_time


def _show(account: Account, doc: Doc, call: Call) -> Doc:
    is_you = doc["id"] == call.user_id
    access: list[Doc] = []
    if account.switches.administrator and doc["id"] == account.admin_id:
        for app in ("global", "sales", "account_settings"):
            permissions = f"00000000-0000-4000-8000-{len(access) + 1:012x}"
            access.append({"app": app, "admin": True, "permission_set_id": permissions})
    return {
        "id": doc["id"],
        "name": doc["name"],
        "default_currency": "USD",
        "locale": "en_US",
        "lang": 1,
        "email": doc["email"],
        "phone": None,
        "activated": True,
        "last_login": v1_time(call.now),
        "created": doc["add_time"],
        "modified": doc["update_time"],
        "has_created_company": doc["id"] == account.admin_id,
        "access": access,
        "active_flag": doc["active_flag"],
        "timezone_name": "Etc/UTC",
        "timezone_offset": "+00:00",
        "role_id": 1,
        "icon_url": None,
        "is_you": is_you,
        "is_deleted": False,
    }


def _me(account: Account, call: Call) -> Answer:
    row = _found(account, call.user_id)
    return Answer(
        {
            **_show(account, row.doc, call),
            "company_id": account.company_id,
            "company_name": "Sandbox Company",
            "company_domain": account.company_domain,
            "company_country": "US",
            "company_industry": "Retail",
            "language": {"language_code": "en", "country_code": "US"},
        }
    )


def _found(account: Account, user_id: int) -> Row:
    row = account.store.get("user", user_id)
    if row is None:
        body = {"success": False, "error": "User not found or not accessible."}
        raise ApiError(404, body)
    return row


def _list(account: Account, call: Call) -> Answer:
    rows = account.store.rows("user", "1 ORDER BY id")
    return Answer([_show(account, row.doc, call) for row in rows])


def _read(account: Account, call: Call) -> Answer:
    return Answer(_show(account, _found(account, call.number("id")).doc, call))


def _find(account: Account, call: Call) -> Answer:
    key = "email" if call.query.get("search_by_email") == 1 else "name"
    term = str(call.query["term"]).casefold()
    rows = account.store.rows("user", "1 ORDER BY id")
    return Answer(
        [_show(account, row.doc, call) for row in rows if term in row.doc[key].casefold()]
    )


def _add(account: Account, call: Call) -> Answer:
    email: Any = call.body.get("email")
    if not isinstance(email, str) or "@" not in email:
        raise general(400, "Email must be given.")
    doc = account.add_user(email.partition("@")[0], email, call.now)
    return Answer(_show(account, doc, call))


def _change(account: Account, call: Call) -> Answer:
    row = _found(account, call.number("id"))
    flag = call.body.get("active_flag")
    if flag not in (True, False):
        raise general(400, "Bad request")
    doc = {**row.doc, "active_flag": bool(flag), "update_time": v1_time(call.now)}
    account.save("user", row, doc, call.now)
    return Answer(_show(account, doc, call))


def _settings(_account: Account, _call: Call) -> Answer:
    return Answer({"marketplace_team": False, "list_limit": 100, "beta_app": False})


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/api/v1/users"): _list,
    ("POST", "/api/v1/users"): _add,
    ("GET", "/api/v1/users/me"): _me,
    ("GET", "/api/v1/users/find"): _find,
    ("GET", "/api/v1/users/{id}"): _read,
    ("PUT", "/api/v1/users/{id}"): _change,
    ("GET", "/api/v1/userSettings"): _settings,
}
