"""What persons, organizations, products, deals and activities have in common: one v2 CRUD.

A kind brings `prepare`, which checks a body against the account and returns the values to store;
problems of one request are collected, and nothing is stored when there are any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import invalid, not_found
from sandbox.pipedrive.listing import page, shared_conditions
from sandbox.pipedrive.present import Presenter
from sandbox.pipedrive.rules import Problems, merged
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time

Prepare = Callable[[Account, Call, Doc, Row | None, Problems], Doc]
Handler = Callable[[Account, Call], Answer]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one entity differs: name, path, list filters, defaults of a new record, checks."""

    name: str
    plural: str
    filters: tuple[str, ...]
    blank: Callable[[Account, Call], Doc]
    prepare: Prepare
    missing: str = "Entity was not found"


def visible(account: Account, kind: Kind, record_id: int) -> Row:
    row = account.find(kind.name, record_id)
    if row is None:
        raise not_found(kind.missing)
    return row


def create_record(account: Account, kind: Kind, call: Call) -> Doc:
    problems: Problems = []
    values = kind.prepare(account, call, dict(call.body), None, problems)
    if problems:
        raise invalid(problems)
    doc = {
        "id": account.store.reserve_ids(kind.name),
        **kind.blank(account, call),
        **values,
    }
    account.insert(kind.name, doc, call.now, archived=bool(doc.get("is_archived")))
    return doc


def patch_record(account: Account, kind: Kind, call: Call, row: Row) -> Doc:
    problems: Problems = []
    changes = kind.prepare(account, call, dict(call.body), row, problems)
    if problems:
        raise invalid(problems)
    doc = merged(row.doc, changes)
    if doc == row.doc:
        return doc
    doc["update_time"] = v2_time(call.now)
    source = "app" if call.from_app else "api"
    account.store.note_change(kind.name, row.doc, doc, call.user_id, source, call.now)
    return account.save(kind.name, row, doc, call.now, archived=bool(doc.get("is_archived")))


def handlers(kind: Kind) -> dict[tuple[str, str], Handler]:
    """The five v2 endpoints of a kind."""

    def create(account: Account, call: Call) -> Answer:
        doc = create_record(account, kind, call)
        _imitate_automation(account, kind, doc, call)
        return Answer(Presenter(account, kind.name, {}).show(doc))

    def patch(account: Account, call: Call) -> Answer:
        row = visible(account, kind, call.number("id"))
        if row.deleted is not None and kind.name != "deal":
            raise not_found(kind.missing)
        doc = patch_record(account, kind, call, row)
        return Answer(Presenter(account, kind.name, {}).show(doc))

    def read(account: Account, call: Call) -> Answer:
        row = visible(account, kind, call.number("id"))
        return Answer(Presenter(account, kind.name, call.query).show(row.doc))

    def delete(account: Account, call: Call) -> Answer:
        return delete_record(account, kind, call)

    def list_all(account: Account, call: Call) -> Answer:
        conditions = shared_conditions(account, call, kind.name, kind.filters)
        show = Presenter(account, kind.name, call.query).show
        return page(account, call, kind.name, conditions, show)

    base = f"/api/v2/{kind.plural}"
    return {
        ("POST", base): create,
        ("GET", base): list_all,
        ("GET", base + "/{id}"): read,
        ("PATCH", base + "/{id}"): patch,
        ("DELETE", base + "/{id}"): delete,
    }


def delete_record(account: Account, kind: Kind, call: Call) -> Answer:
    row = visible(account, kind, call.number("id"))
    if row.deleted is not None:
        if account.switches.delete_deleted == "refuse":
            raise not_found(kind.missing)
        return Answer({"id": row.id})
    account.soft_delete(kind.name, row, call.now)
    return Answer({"id": row.id})


def _imitate_automation(account: Account, kind: Kind, doc: Doc, call: Call) -> None:
    """The switch `automation` names an entity and the values that a workflow sets on creation."""
    rule: dict[str, Any] = account.switches.automation
    if rule.get("entity") != kind.name or call.from_app:
        return
    row = account.store.get(kind.name, doc["id"])
    if row is not None:
        changed = merged(row.doc, rule.get("changes", {}))
        account.store.note_change(
            kind.name, row.doc, changed, account.admin_id, "workflow", call.now
        )
        account.save(kind.name, row, changed, call.now)
