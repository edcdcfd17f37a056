"""Deals: pipeline and stage, status with its times, archive, caps, restoration.

Archived deals leave the ordinary list and are read-only; a deleted deal takes only a restoration.
The caller's own times cross as `won_time`, `lost_time` and `close_time`, never as `add_time`.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.currencies import CURRENCIES
from sandbox.pipedrive.deal_state import settle_archive, settle_status
from sandbox.pipedrive.errors import deal_cap, general, invalid, not_found
from sandbox.pipedrive.listing import page, shared_conditions
from sandbox.pipedrive.present import Presenter
from sandbox.pipedrive.records import (
    Handler,
    Kind,
    create_record,
    delete_record,
    handlers,
    patch_record,
    visible,
)
from sandbox.pipedrive.shape import is_day
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v2_time

FILTERS: Final = ("owner_id", "person_id", "org_id", "pipeline_id", "stage_id", "status")
MISSING: Final = "Deal not found"


def _blank(account: Account, call: Call) -> Doc:
    now = v2_time(call.now)
    return {
        "title": "",
        "creator_user_id": call.user_id,
        "owner_id": call.user_id,
        "person_id": None,
        "org_id": None,
        "pipeline_id": None,
        "stage_id": None,
        "value": 0,
        "currency": "USD",
        "add_time": now,
        "update_time": now,
        "stage_change_time": None,
        "status": "open",
        "is_deleted": False,
        "is_archived": False,
        "archive_time": None,
        "probability": None,
        "lost_reason": None,
        "visible_to": max(account.plan.visibilities),
        "won_time": None,
        "lost_time": None,
        "close_time": None,
        "local_won_date": None,
        "local_lost_date": None,
        "local_close_date": None,
        "expected_close_date": None,
        "label_ids": [],
        "origin": "ManuallyCreated" if call.from_app else "API",
        "origin_id": None,
        "channel": None,
        "channel_id": None,
        "source_lead_id": None,
        "acv": None,
        "arr": None,
        "mrr": None,
        "custom_fields": {},
    }


def _first_stage(account: Account, pipeline_id: int) -> int | None:
    found = account.store.execute(
        "SELECT id FROM stage WHERE pipeline_id=? AND deleted IS NULL "
        "ORDER BY order_nr, id LIMIT 1",
        (pipeline_id,),
    ).fetchone()
    return None if found is None else int(found[0])


def _default_pipeline(account: Account) -> int:
    sql = "SELECT id FROM pipeline WHERE deleted IS NULL ORDER BY order_nr, id LIMIT 1"
    return int(account.store.execute(sql).fetchone()[0])


def _place(account: Account, body: Doc, row: Row | None, problems: rules.Problems) -> None:
    """Stage decides the pipeline; a pipeline alone means its first stage."""
    stage_id, pipeline_id = body.get("stage_id"), body.get("pipeline_id")
    if stage_id is not None:
        stage = account.store.get("stage", stage_id)
        if stage is None or stage.deleted is not None:
            problems.append(f"stage_id: The stage {stage_id} does not exist")
        elif pipeline_id is not None and stage.doc["pipeline_id"] != pipeline_id:
            problems.append(f"stage_id: The stage {stage_id} is not in pipeline {pipeline_id}")
        else:
            body["pipeline_id"] = stage.doc["pipeline_id"]
        return
    if pipeline_id is None:
        if row is not None:
            return
        pipeline_id = _default_pipeline(account)
    if not account.store.is_live("pipeline", pipeline_id):
        problems.append(f"pipeline_id: The pipeline {pipeline_id} does not exist")
        return
    if row is not None and row.doc["pipeline_id"] == pipeline_id:
        return
    body["pipeline_id"] = pipeline_id
    body["stage_id"] = _first_stage(account, pipeline_id)
    if body["stage_id"] is None:
        problems.append(f"pipeline_id: The pipeline {pipeline_id} has no stages")


def _plain_values(account: Account, body: Doc, row: Row | None, problems: rules.Problems) -> None:
    currency = body.get("currency")
    if currency is not None and currency not in CURRENCIES:
        problems.append(f"currency: The currency {currency} is unknown")
    day = body.get("expected_close_date")
    if day == "":
        body["expected_close_date"] = "0000-00-00"
    elif day is not None and not is_day(day):
        problems.append("expected_close_date: The value is not a valid date")
    if "probability" in body:
        pipeline_id = body.get("pipeline_id", row.doc["pipeline_id"] if row else None)
        pipeline = account.store.get("pipeline", pipeline_id) if pipeline_id else None
        if pipeline is None or not pipeline.doc["is_deal_probability_enabled"]:
            problems.append("probability: Deal probability is not enabled in the pipeline")
        elif not 0 <= body["probability"] <= 100:
            problems.append("probability: The value must be between 0 and 100")


def prepare(
    account: Account, call: Call, body: Doc, row: Row | None, problems: rules.Problems
) -> Doc:
    rules.name(body, "title", problems)
    rules.owner(account, body, "owner_id", problems)
    rules.link(account, body, "person_id", "person", problems)
    rules.link(account, body, "org_id", "organization", problems)
    rules.visibility(account, body, problems)
    rules.labels(account, "deal", body, problems)
    rules.custom_fields(account, "deal", body, problems)
    _place(account, body, row, problems)
    _plain_values(account, body, row, problems)
    settle_status(call, body, row, problems)
    settle_archive(call, body, row, problems)
    if row is None:
        body["custom_fields"] = rules.filled(body.get("custom_fields"))
        if body.get("is_deleted"):
            problems.append("is_deleted: A deal cannot be created as deleted")
    elif body.get("is_deleted"):
        problems.append("is_deleted: Use DELETE to remove a deal")
    elif "stage_id" in body and body["stage_id"] != row.doc["stage_id"]:
        body["stage_change_time"] = v2_time(call.now)
    return body


DEAL: Final = Kind("deal", "deals", FILTERS, _blank, prepare, MISSING)


def _create(account: Account, call: Call) -> Answer:
    switches = account.switches
    cap = account.deal_cap()
    full = cap is not None and account.deals_counted() >= cap
    archived = bool(call.body.get("is_archived"))
    at_cap = full and not (archived and switches.archived_create_at_cap == "allow")
    if at_cap and switches.deal_cap_answer == "refuse":
        raise deal_cap()
    if not at_cap:
        return _CRUD["POST", "/api/v2/deals"](account, call)
    doc = create_record(account, DEAL, call)
    row = account.store.get("deal", doc["id"])
    if row is not None:
        account.soft_delete("deal", row, call.now)
    return Answer(Presenter(account, "deal", {}).show(doc))


def _patch(account: Account, call: Call) -> Answer:
    row = visible(account, DEAL, call.number("id"))
    if row.deleted is not None:
        return _restore(account, call, row)
    if row.archived and not call.from_app:
        _refuse_archived_edit(account, call.body)
    has_lines = "value" in call.body and account.switches.value_with_lines == "refuse"
    if has_lines and account.store.count("deal_product", "deal_id=?", (row.id,)):
        raise invalid(["value: The value of a deal with products cannot be set"])
    doc = patch_record(account, DEAL, call, row)
    return Answer(Presenter(account, "deal", {}).show(doc))


def _refuse_archived_edit(account: Account, body: Doc) -> None:
    unarchives = body.get("is_archived") is False
    switch = account.switches.archived_unarchive if unarchives else account.switches.archived_edit
    others = set(body) - {"is_archived", "archive_time"}
    if unarchives and switch == "allow" and not others:
        return
    if switch == "refuse" or (unarchives and account.switches.archived_edit == "refuse"):
        raise general(400, "Archived deals cannot be edited")


def _restore(account: Account, call: Call, row: Row) -> Answer:
    if dict(call.body) != {"is_deleted": False}:
        raise general(400, "Deleted deals cannot be edited, only restored")
    doc: Doc = {**row.doc, "is_deleted": False, "update_time": v2_time(call.now)}
    row.deleted = None
    account.save("deal", row, doc, call.now)
    return Answer(Presenter(account, "deal", {}).show(doc))


def _delete(account: Account, call: Call) -> Answer:
    row = visible(account, DEAL, call.number("id"))
    if row.archived and account.switches.archived_delete == "refuse" and not call.from_app:
        raise general(400, "Archived deals cannot be deleted")
    return delete_record(account, DEAL, call)


def _list(account: Account, call: Call, *, archived: bool) -> Answer:
    status = call.query.get("status")
    only_deleted = status == "deleted"
    columns = FILTERS[:-1] if only_deleted else FILTERS
    conditions = shared_conditions(account, call, "deal", columns, deleted=only_deleted)
    conditions.add("archived=?", archived)
    show = Presenter(account, "deal", call.query).show
    return page(account, call, "deal", conditions, show)


def _list_open(account: Account, call: Call) -> Answer:
    return _list(account, call, archived=False)


def _list_archived(account: Account, call: Call) -> Answer:
    return _list(account, call, archived=True)


def live_deal(account: Account, deal_id: int, call: Call, *, writes: bool) -> Row:
    """A deal whose lines, discounts or participants are about to be read or written."""
    row = account.find("deal", deal_id)
    if row is None or (row.deleted is not None and writes):
        raise not_found(MISSING)
    if row.archived and writes and not call.from_app:
        allowed: Any = account.switches.archived_edit
        if allowed == "refuse":
            raise general(400, "Archived deals cannot be edited")
    return row


_CRUD: Final = handlers(DEAL)
ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **_CRUD,
    ("POST", "/api/v2/deals"): _create,
    ("GET", "/api/v2/deals"): _list_open,
    ("GET", "/api/v2/deals/archived"): _list_archived,
    ("PATCH", "/api/v2/deals/{id}"): _patch,
    ("DELETE", "/api/v2/deals/{id}"): _delete,
}
