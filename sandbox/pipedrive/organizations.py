"""Organizations: a name that need not be unique, an address object, a few company figures."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Call
from sandbox.pipedrive.records import Kind, handlers
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time


def _blank(account: Account, call: Call) -> Doc:
    now = v2_time(call.now)
    return {
        "name": "",
        "owner_id": call.user_id,
        "add_time": now,
        "update_time": now,
        "is_deleted": False,
        "visible_to": max(account.plan.visibilities),
        "address": None,
        "label_ids": [],
        "website": None,
        "linkedin": None,
        "industry": None,
        "annual_revenue": None,
        "employee_count": None,
        "custom_fields": {},
    }


def prepare(
    account: Account, _call: Call, body: Doc, row: Row | None, problems: rules.Problems
) -> Doc:
    rules.name(body, "name", problems)
    rules.owner(account, body, "owner_id", problems)
    rules.visibility(account, body, problems)
    rules.labels(account, "organization", body, problems)
    rules.address(body, "address", problems)
    rules.instant(body, "add_time", problems)
    rules.custom_fields(account, "organization", body, problems)
    industry = body.get("industry")
    definition = account.fields.find("organization", "industry")
    if industry is not None and definition is not None and industry not in definition.options:
        problems.append(f"industry: Option {industry} does not exist")
    if row is None:
        body["custom_fields"] = rules.filled(body.get("custom_fields"))
        if "add_time" in body:
            body["_set"] = ["add_time"]
    return body


ORGANIZATION: Final = Kind(
    "organization", "organizations", ("owner_id",), _blank, prepare, "Organization not found"
)
ROUTES: Final = handlers(ORGANIZATION)
