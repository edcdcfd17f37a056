"""An opt-out that somebody sets while a consent of ours is under way: found, put back, named."""

from __future__ import annotations

import json
import signal

import httpx
import pytest

from tests.python.load.undo.conftest import undo_with

KEY = "aiq:contact:2"  # opted in at the source
PATH = "/api/v2/persons/"
GUARD_POINTS = ("guard.after_look", "guard.after_intent", "guard.after_answer", "guard.after_end")


class OptsOutMeanwhile(httpx.AsyncHTTPTransport):
    """Somebody sets an option of the typed-in person just before a change of it by us arrives."""

    def __init__(self, company, label="No", times=1):
        super().__init__()
        self.company, self.label, self.times = company, label, times

    async def handle_async_request(self, request):
        is_change = request.method == "PATCH" and request.url.path.startswith(PATH)
        if is_change and self.times:
            self.times -= 1
            opt_out(self.company, request.url.path.removeprefix(PATH), self.label)
        return await super().handle_async_request(request)


def opt_out(company, person, label="No"):
    changes = {"custom_fields_by_name": {"Text opt-in": label}}
    company.door(
        "POST",
        "edit",
        {"action": "patch", "entity": "person", "id": int(person), "changes": changes},
    )


@pytest.fixture
def typed_in(worlds, company):
    """A world whose person 2 somebody had typed in before."""
    world = worlds.small(persons=3, deals=0)
    person = company.ask("POST", "/api/v2/persons", {"name": "Typed In By Hand"})["data"]
    world.actions[KEY] = ("adopt", person["id"])
    return world, person["id"]


def held(loader, company, person):
    with loader.ledger() as ledger:
        code, labels = names(ledger)
        reason = ledger.db.execute(
            "select reason_code, reason from id_map where source_key = ?", (KEY,)
        ).fetchone()
    shown = company.ask("GET", f"{PATH}{person}")["data"]["custom_fields"].get(code)
    return labels.get(shown), tuple(reason)


def names(ledger):
    code = ledger.db.execute(
        "select field_code from field_codes where column_name = 'opt_in__c'"
    ).fetchone()[0]
    rows = ledger.db.execute(
        "select option_id, option_label from option_ids where column_name = 'opt_in__c'"
    )
    return code, {row[0]: row[1] for row in rows}


def test_an_opt_out_that_comes_while_our_consent_is_under_way_is_put_back_and_named(
    loader, company, typed_in
):
    world, person = typed_in
    result = loader.apply(world, transport=OptsOutMeanwhile(company))
    assert (result.exit_code, result.counts["person"]["conflict"]) == (4, 1)
    label, (code, reason) = held(loader, company, person)
    assert (label, code) == ("No", "edited by others")
    assert reason.endswith("under way: opt_in__c")
    with loader.ledger() as ledger:
        events = ledger.db.execute("select detail from events where what = 'written over'")
        named = [json.loads(row[0]) for row in events]
        assert ledger.db.execute("select 1 from journal where guard = 'due'").fetchone() is None
    assert named == [{"entity": "person", "id": person, "columns": ["opt_in__c"], "unread": []}]
    assert loader.apply(world).writes == 0
    undo_with(loader)
    assert held(loader, company, person)[0] == "No"


def test_what_is_put_back_is_looked_at_again_as_long_as_it_is_not_the_lowest(
    loader, company, typed_in
):
    world, person = typed_in

    class UnknownThenNo(OptsOutMeanwhile):
        async def handle_async_request(self, request):
            answer = await super().handle_async_request(request)
            self.label = "No" if request.method == "PATCH" else self.label
            return answer

    assert loader.apply(world, transport=UnknownThenNo(company, "Unknown", times=2)).exit_code == 4
    assert held(loader, company, person)[0] == "No"


def test_a_consent_that_nobody_touched_is_read_once_and_costs_what_the_plan_says(
    loader, company, typed_in
):
    world, person = typed_in
    assert loader.apply(world).exit_code == 0
    asked = [one for one in company.calls() if one["path"].endswith("/changelog")]
    assert [(one["path"], one["tokens"]) for one in asked] == [
        ("/api/v1/persons/{id}/changelog", 20)
    ]
    assert held(loader, company, person) == ("Yes", (None, None))
    world.payloads["person"][KEY] |= {"points__c": 5.0}
    loader.apply(world)
    after = [one for one in company.calls() if one["path"].endswith("/changelog")]
    assert len(after) == 1  # what is no consent needs no look


def test_an_undo_that_clears_a_consent_puts_back_what_somebody_set_meanwhile(
    loader, company, typed_in
):
    world, person = typed_in
    assert loader.apply(world).exit_code == 0
    undo_with(loader, transport=OptsOutMeanwhile(company))
    assert held(loader, company, person)[0] == "No"
    assert undo_with(loader).writes == 0


@pytest.mark.long
def test_what_a_dead_run_left_unlooked_at_is_looked_at_by_the_next(loader, company, typed_in):
    world, person = typed_in
    leave_due(loader, company, world, person)
    assert loader.apply(world).exit_code == 4
    assert held(loader, company, person)[0] == "No"


def leave_due(loader, company, world, person):
    """Our call was intended when the run died; it lands over an opt-out, as a late one would."""
    plan = world.freeze(loader.folder / "plans")
    died = loader.apply_in_process(plan, crashpoint="update.after_intent:person#1")
    assert died == -signal.SIGKILL
    opt_out(company, person)
    with loader.ledger() as ledger:
        code, labels = names(ledger)
    yes = next(number for number, label in labels.items() if label == "Yes")
    company.ask("PATCH", f"{PATH}{person}", {"custom_fields": {code: yes}})
    return plan


@pytest.mark.long
@pytest.mark.parametrize("point", GUARD_POINTS)
def test_a_run_killed_while_it_puts_something_back_ends_as_if_never_killed(
    loader, company, typed_in, point
):
    world, person = typed_in
    plan = leave_due(loader, company, world, person)
    assert loader.apply_in_process(plan, crashpoint=f"{point}:person#1") == -signal.SIGKILL
    assert loader.apply(plan).exit_code == 4
    assert held(loader, company, person)[0] == "No"
    assert loader.apply(plan).writes == 0
