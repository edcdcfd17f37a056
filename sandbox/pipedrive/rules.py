"""Checks that several kinds of records share: links, labels, owners, visibility, addresses.

Each function adds to `problems` instead of raising, so that one reply names every fault.
"""

from __future__ import annotations

from typing import Any

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.custom_fields import ADDRESS_PARTS, accept
from sandbox.pipedrive.shape import as_instant, is_integer
from sandbox.pipedrive.store import Doc

Problems = list[str]


def link(
    account: Account, body: Doc, key: str, kind: str, problems: Problems, *, nullable: bool = True
) -> None:
    """The record named by `key` must exist and be alive."""
    value = body.get(key)
    if value is None:
        return
    if not nullable and value is None:
        problems.append(f"{key}: The value is required")
        return
    visible = is_integer(value) and value not in account.switches.hidden.get(kind, ())
    if not visible or not account.store.is_live(kind, value):
        problems.append(f"{key}: The {kind} {value} does not exist or is not accessible")


def owner(account: Account, body: Doc, key: str, problems: Problems) -> None:
    value = body.get(key)
    if value is None or value == account.admin_id:
        return
    row = account.store.get("user", value) if is_integer(value) else None
    if row is None or not row.doc["active_flag"]:
        problems.append(f"{key}: The user {value} does not exist or is not active")


def name(body: Doc, key: str, problems: Problems) -> None:
    if key in body and not body[key].strip():
        problems.append(f"{key}: The value must not be empty")


def visibility(account: Account, body: Doc, problems: Problems) -> None:
    value = body.get("visible_to")
    if value is not None and value not in account.plan.visibilities:
        problems.append(f"visible_to: The value {value} is not allowed on this plan")


def labels(account: Account, entity: str, body: Doc, problems: Problems) -> None:
    values = body.get("label_ids")
    if values is None:
        return
    known = account.fields.labels(entity)
    missing = [value for value in values if value not in known]
    if missing:
        problems.append(f"label_ids: Option {missing[0]} does not exist")
    if len(values) > account.switches.labels_per_deal:
        problems.append(f"label_ids: At most {account.switches.labels_per_deal} labels are allowed")
    body["label_ids"] = list(dict.fromkeys(values))


def instant(body: Doc, key: str, problems: Problems) -> None:
    """A creation or closing time in RFC 3339, whole seconds."""
    value = body.get(key)
    if value is None:
        return
    text = as_instant(value)
    if text is None:
        problems.append(f"{key}: The value is not a valid datetime")
    else:
        body[key] = text


def address(body: Doc, key: str, problems: Problems) -> None:
    """Only `value` is required; parts that were not sent become null."""
    value = body.get(key)
    if value is None:
        return
    if not value.get("value"):
        problems.append(f"{key}.value: The value is required")
    body[key] = {part: value.get(part) for part in ADDRESS_PARTS}


def entries(account: Account, body: Doc, key: str, problems: Problems) -> None:
    """E-mails, phones and messengers: one primary entry, the first when none is named."""
    items = body.get(key)
    if items is None:
        return
    most = account.switches.entries_per_person
    if most is not None and len(items) > most:
        problems.append(f"{key}: At most {most} entries are allowed")
    if any(not item.get("value") for item in items):
        problems.append(f"{key}: The value is required in each entry")
        return
    if account.switches.validate_emails and key == "emails":
        bad = [index for index, item in enumerate(items) if "@" not in item["value"]]
        problems += [f"emails.{index}.value: The value is not a valid e-mail" for index in bad]
    if sum(bool(item.get("primary")) for item in items) > 1:
        problems.append(f"{key}: Only one entry can be primary")
    has_primary = any(item.get("primary") for item in items)
    body[key] = [
        {
            "value": item["value"],
            "primary": bool(item.get("primary")) if has_primary else index == 0,
            "label": item.get("label", "work"),
        }
        for index, item in enumerate(items)
    ]


def custom_fields(account: Account, entity: str, body: Doc, problems: Problems) -> None:
    values = body.get("custom_fields")
    if values is None:
        return
    accepted, refused = accept(account, entity, values)
    problems += refused
    body["custom_fields"] = accepted


def merged(old: Doc, changes: Doc) -> Doc:
    """The record after a PATCH; custom fields merge by key, all else is replaced."""
    new = {**old, **changes}
    if "custom_fields" in changes:
        values: dict[str, Any] = {**old["custom_fields"], **changes["custom_fields"]}
        new["custom_fields"] = {code: value for code, value in values.items() if value is not None}
    return new


def filled(values: dict[str, Any] | None) -> dict[str, Any]:
    """Custom fields of a new record without the empty ones."""
    return {code: value for code, value in (values or {}).items() if value is not None}
