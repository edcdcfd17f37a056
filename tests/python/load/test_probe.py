"""Open facts settled on a company whose switches are turned both ways, and nothing left behind."""

from __future__ import annotations

import asyncio
import json

import pytest

from load.budget import TokensInMemory
from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import RetryLater
from load.probe import CLEARING, NAME, probe
from load.questions import QUESTIONS
from sandbox.pipedrive.facts import switches_of

BY_DEFAULT = {
    "ids_increase": "yes",
    "list_lag_seconds": "0",
    "empty_keys": "null",
    "long_varchar": "refuse",
    "trim_text": "no",
    "empty_text": "null",
    "emails_patch": "replace",
    "empty_patch": "allow",
    "patch_of_same_touches": "no",
    "note_touches_parent": "no",
    "note_cleaning": "clean",
    "duplicate_options": "refuse",
    "label_options": "allow",
    "new_pipeline_stages": "no",
    "deal_add_time": "refuse",
    "archived_edit": "refuse",
    "archived_unarchive": "refuse",
    "archived_delete": "allow",
    "negative_line_price": "allow",
    "bulk_bad_line": "refuse_all",
    "value_with_lines": "accept",
    "value_is_sum_of_lines": "yes",
    "get_deleted_person": "shown deleted",
    "change_log": "newest first, ids, api, 0 s",
    "delete_deleted": "refuse",
    "unknown_query": "refuse",
    "page_above_maximum": "refuse",
}
OTHERWISE = {
    "empty_keys": "absent",
    "long_varchar": "cut",
    "note_cleaning": "strict",
    "duplicate_options": "allow",
    "label_options": "refuse",
    "deal_add_time": "ignore",
    "archived_edit": "allow",
    "archived_unarchive": "allow",
    "archived_delete": "refuse",
    "negative_line_price": "refuse",
    "bulk_bad_line": "keep_good",
    "value_with_lines": "refuse",
    "delete_deleted": "allow",
    "unknown_query": "ignore",
    "page_above_maximum": "clamp",
}
TRUTHS = {"trim_text": True, "note_touches_parent": True, "new_pipeline_stages": True}


@pytest.fixture
def ask(loader, tmp_path):
    """Asks all questions of the company."""

    def run(questions=QUESTIONS):
        async def work():
            async with PipedriveClient(loader.account, TokensInMemory()) as client:
                return await probe(
                    client, RealClock(), questions,
                    kept_in=tmp_path / "probe.json", told=lambda _fact: None,
                )  # fmt: skip

        return asyncio.run(work())

    return run


def left(company):
    """Whatever still bears a probe's name."""
    found = [
        one
        for path in ("deals", "persons", "products", "deals/archived")
        for one in company.records(f"/api/v2/{path}")
        if NAME in str(one.get("name") or one.get("title"))
    ]
    for path in ("personFields", "dealFields"):
        for one in company.ask("GET", f"/api/v2/{path}?limit=500")["data"]:
            found += [one] if NAME in one["field_name"] else []
            found += [option for option in one["options"] or [] if NAME in option["label"]]
    pipelines = company.ask("GET", "/api/v2/pipelines?limit=500")["data"]
    return found + [one for one in pipelines if NAME in one["name"] and not one["is_deleted"]]


def test_every_fact_is_settled_as_the_switches_stand_for_the_price_told_and_nothing_stays(
    ask, company
):
    found = ask()
    assert {one.fact: one.answer for one in found} == BY_DEFAULT, found
    assert left(company) == []
    spent = company.door("GET", "stats")["tokens"]
    # clearing away deletes some thirty things, at 3 tokens each
    most = sum(one.tokens for one in QUESTIONS) + CLEARING
    assert most * 0.6 < spent <= most


def test_a_probed_file_makes_a_new_local_company_behave_accordingly(tmp_path):
    file = tmp_path / "facts.csv"
    rows = [f"1,{fact},{answer},2026-02-01" for fact, answer in OTHERWISE.items()]
    rows += [f"1,{fact},yes,2026-02-01" for fact in TRUTHS]
    rows += ["1,archived_edit,refuse,2026-01-01", "1,list_lag_seconds,2.5,2026-02-01"]
    rows += ["1,list_lag_seconds,more than 5,2026-03-01", "1,ids_increase,no,2026-03-01"]
    file.write_text("\n".join(["company_id,fact,answer,probed_on", *rows]), encoding="utf-8")
    assert switches_of(file) == {**OTHERWISE, **TRUTHS, "list_lag": 2.5}
    assert switches_of(tmp_path / "none.csv") == {}


def test_every_switch_turned_gives_the_other_answer(ask, company):
    company.config(**OTHERWISE, **TRUTHS)
    found = {one.fact: one.answer for one in ask()}
    expected = {**BY_DEFAULT, **OTHERWISE, **dict.fromkeys(TRUTHS, "yes")}
    assert found == expected


def test_what_a_killed_probe_left_is_cleared_away_by_the_next_and_a_failed_question_stays_open(
    ask, company, tmp_path
):
    company.faults({"kind": "drop_response", "method": "DELETE", "path": "/persons/"})
    some = [one for one in QUESTIONS if one.fact in ("ids_increase", "archived_edit")]
    company.faults({"kind": "error_before", "method": "GET", "path": "/pipelines", "status": 503})
    with pytest.raises(RetryLater):
        ask(some)
    name = json.loads((tmp_path / "probe.json").read_text())["name"]
    company.faults({"kind": "error_after", "method": "PATCH", "path": "/deals/", "status": 500})
    company.ask("POST", "/api/v2/persons", {"name": name})
    found = {one.fact: one for one in ask(some)}
    assert found["ids_increase"].answer == "yes"
    assert found["archived_edit"].answer == ""
    assert "unknown" in found["archived_edit"].why
    assert left(company) == []
    assert not (tmp_path / "probe.json").exists()
