"""Pipelines and stages: names are not unique, the lowest order is the default."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import DEFAULT_STAGES, Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, invalid, not_found
from sandbox.pipedrive.listing import Conditions, page
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time


def _administrators_only(account: Account) -> None:
    if not account.switches.administrator:
        raise general(403, "You do not have permissions to manage pipelines.")


def _found(account: Account, kind: str, record_id: int) -> Row:
    row = account.store.get(kind, record_id)
    if row is None or row.deleted is not None:
        raise not_found(f"{kind.capitalize()} not found")
    return row


def _show(doc: Doc) -> Doc:
    return doc


def _checked(body: Doc, problems: list[str]) -> None:
    rules.name(body, "name", problems)
    if not 0 <= body.get("deal_probability", 0) <= 100:
        problems.append("deal_probability: The value must be between 0 and 100")


def _add_pipeline(account: Account, call: Call) -> Answer:
    _administrators_only(account)
    problems: list[str] = []
    _checked(call.body, problems)
    if problems:
        raise invalid(problems)
    doc = account.add_pipeline(call.body, call.now)
    if account.switches.new_pipeline_stages:
        for name in DEFAULT_STAGES:
            account.add_stage({"name": name, "pipeline_id": doc["id"]}, call.now)
    account.notify("pipeline", "create")
    return Answer(doc)


def _add_stage(account: Account, call: Call) -> Answer:
    _administrators_only(account)
    problems: list[str] = []
    _checked(call.body, problems)
    rules.link(account, call.body, "pipeline_id", "pipeline", problems)
    if problems:
        raise invalid(problems)
    doc = account.add_stage(call.body, call.now)
    account.notify("stage", "create")
    return Answer(doc)


def _change(account: Account, call: Call, kind: str) -> Answer:
    _administrators_only(account)
    row = _found(account, kind, call.number("id"))
    problems: list[str] = []
    _checked(call.body, problems)
    rules.link(account, call.body, "pipeline_id", "pipeline", problems)
    if problems:
        raise invalid(problems)
    doc = {**row.doc, **call.body}
    if doc != row.doc:
        doc["update_time"] = v2_time(call.now)
        account.save(kind, row, doc, call.now)
    return Answer(doc)


def _remove(account: Account, call: Call, kind: str) -> Answer:
    _administrators_only(account)
    row = _found(account, kind, call.number("id"))
    if account.store.count("deal", f"{kind}_id=? AND deleted IS NULL", (row.id,)):
        raise general(400, f"The {kind} has deals and cannot be deleted.")
    if kind == "pipeline" and account.store.count("pipeline") == 1:
        raise general(400, "The last pipeline cannot be deleted.")
    account.soft_delete(kind, row, call.now)
    return Answer({"id": row.id})


def _list(account: Account, call: Call, kind: str) -> Answer:
    conditions = Conditions()
    conditions.add("deleted IS NULL")
    if "pipeline_id" in call.query:
        conditions.add("pipeline_id=?", call.query["pipeline_id"])
    return page(account, call, kind, conditions, _show)


def _routes(kind: str) -> dict[tuple[str, str], Handler]:
    base = f"/api/v2/{kind}s"

    def list_all(account: Account, call: Call) -> Answer:
        return _list(account, call, kind)

    def read(account: Account, call: Call) -> Answer:
        return Answer(_found(account, kind, call.number("id")).doc)

    def change(account: Account, call: Call) -> Answer:
        return _change(account, call, kind)

    def remove(account: Account, call: Call) -> Answer:
        return _remove(account, call, kind)

    return {
        ("GET", base): list_all,
        ("GET", base + "/{id}"): read,
        ("PATCH", base + "/{id}"): change,
        ("DELETE", base + "/{id}"): remove,
    }


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **_routes("pipeline"),
    **_routes("stage"),
    ("POST", "/api/v2/pipelines"): _add_pipeline,
    ("POST", "/api/v2/stages"): _add_stage,
}
