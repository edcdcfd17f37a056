"""End states broken by hand: each must be flagged with its invariant, a clean one with none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from checker import NothingExamined, check
from checker.destination import Destination, Held
from checker.evidence import Call, Change, Limits
from checker.ledger import Extra, Ledger
from checker.plan import Plan

PERSON, ORGANIZATION, DEAL = "aiq:contact:1", "aiq:store:0", "aiq:order:0"
LINE, NOTE = "aiq:line:1:2", "aiq:note:0"


def held(evidence, key):
    known = evidence.ledger.known[key]
    return evidence.destination.records[known.entity][known.id]


def put(evidence, one, **record):
    """Another version of a record, as if nobody had changed it."""
    changed = replace(one, record={**one.record, **record})
    evidence.destination.records[one.entity][one.id] = changed
    return changed


def custom(evidence, one, name, value):
    code = evidence.destination.fields[one.entity, name].code
    put(evidence, one, custom_fields={**one.record["custom_fields"], code: value})


def know(evidence, key, **values):
    evidence.ledger.known[key] = replace(evidence.ledger.known[key], **values)


def remove(evidence, key):
    known = evidence.ledger.known[key]
    del evidence.destination.records[known.entity][known.id]


def double(evidence, key):
    one = held(evidence, key)
    evidence.destination.records[one.entity][99_999] = Held(
        one.entity, 99_999, False, False, {**one.record, "id": 99_999}
    )


def change(evidence, key, *, by, name, to, basis=None, at=None):
    """A change in the history, of a custom field or a native one."""
    one = held(evidence, key)
    field = evidence.destination.fields.get((one.entity, name))
    after = dict(one.record)
    if field is not None and field.is_custom:
        after["custom_fields"] = {**one.record["custom_fields"], field.code: to}
    else:
        after[name] = to
    evidence.changes = [
        *evidence.changes,
        Change(at or 2e9 + len(evidence.changes), by, one.entity, one.id, one.record, after, basis),
    ]
    evidence.destination.records[one.entity][one.id] = replace(one, record=after)


def note(evidence, what, detail):
    """Another event, in its place in the chain."""
    seq, *_, previous = evidence.ledger.events[-1]
    event = (seq + 1, "2026-01-01", "run", what, json.dumps(detail, sort_keys=True), previous)
    own = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    evidence.ledger.events.append((*event, own))


def option(evidence, label):
    return evidence.destination.fields["person", "Text opt-in"].options[label]


def a_person_is_there_twice(evidence):
    double(evidence, PERSON)


def a_line_is_there_twice(evidence):
    double(evidence, LINE)


def a_note_is_there_twice(evidence):
    double(evidence, NOTE)


def a_field_is_there_twice(evidence):
    evidence.destination.doubled_fields.append(("person", "Points"))


def twice_for_a_moment(evidence):
    one = held(evidence, PERSON)
    twin = {**one.record, "id": 99_999}
    gone = {**twin, "is_deleted": True}
    evidence.delays_in_bound = True
    evidence.changes = [
        *evidence.changes,
        Change(2e9, "us", "person", 99_999, None, twin),
        Change(2e9 + 1, "us", "person", 99_999, twin, gone),
    ]


def a_planned_record_is_unknown(evidence):
    del evidence.ledger.known[PERSON]
    del evidence.destination.records["person"][
        next(i for i, one in evidence.destination.records["person"].items()
             if evidence.destination.key_of(one) == PERSON)
    ]  # fmt: skip


def a_record_is_still_intended(evidence):
    know(evidence, PERSON, state="intent")


def a_record_is_still_in_doubt(evidence):
    know(evidence, DEAL, state="ambiguous")


def a_quarantine_has_no_reason(evidence):
    know(evidence, NOTE, state="quarantined", reason=None)


def a_row_of_the_source_was_not_planned(evidence):
    evidence.source_keys = frozenset({"aiq:contact:lost"})


def an_attempt_was_never_settled(evidence):
    evidence.ledger.attempts[0] = {**evidence.ledger.attempts[0], "outcome": None}


def a_confirmed_record_is_missing(evidence):
    remove(evidence, PERSON)


def a_confirmed_record_was_deleted_by_nobody_else(evidence):
    one = held(evidence, PERSON)
    evidence.destination.records["person"][one.id] = replace(one, deleted=True)


def a_record_lost_its_key(evidence):
    custom(evidence, held(evidence, PERSON), "Migration key", None)


def a_person_hangs_on_another_organization(evidence):
    other = evidence.ledger.known["aiq:store:0"].id
    put(evidence, held(evidence, PERSON), org_id=other)


def a_persons_organization_is_not_loaded(evidence, *, reason_code=None, reason=None):
    parent = evidence.plan.rows[PERSON].payload["org__source_key"]
    know(evidence, parent, state="quarantined", id=None, reason="refused")
    know(evidence, PERSON, payload_hash=None, reason_code=reason_code, reason=reason)


def a_link_that_is_named_as_kept_was_changed_by_us(evidence):
    named = {"reason_code": "parent", "reason": "org__source_key: the parent is not loaded"}
    a_persons_organization_is_not_loaded(evidence, **named)
    change(evidence, PERSON, by="us", name="org_id", to=1)


def a_deal_hangs_on_nobody(evidence):
    put(evidence, held(evidence, DEAL), person_id=None)


def a_line_hangs_on_another_product(evidence):
    put(evidence, held(evidence, LINE), product_id=evidence.ledger.known["aiq:product:sku1"].id)


def something_hangs_on_what_we_removed(evidence):
    organization = evidence.ledger.known[ORGANIZATION].id
    extra = Extra("organization", organization, ORGANIZATION, "removed")
    evidence.ledger.extras["organization", organization] = extra


def an_opt_out_was_raised(evidence):
    one = held(evidence, "aiq:contact:2")
    custom(evidence, one, "Text opt-in", option(evidence, "No"))
    change(evidence, "aiq:contact:2", by="us", name="Text opt-in", to=option(evidence, "Yes"))


def an_opt_out_was_cleared(evidence):
    one = held(evidence, "aiq:contact:2")
    custom(evidence, one, "Text opt-in", option(evidence, "No"))
    change(evidence, "aiq:contact:2", by="us", name="Text opt-in", to=None)


def an_opt_out_was_raised_for_a_moment(evidence):
    an_opt_out_was_raised(evidence)
    change(evidence, "aiq:contact:2", by="us", name="Text opt-in", to=option(evidence, "No"))


def an_opt_out_that_came_meanwhile_stayed_written_over(evidence):
    opted_out_meanwhile(evidence)


def an_opt_out_that_we_had_read_was_raised_and_put_back(evidence):
    opted_out_meanwhile(evidence, read=2e9 + 1)
    change(evidence, "aiq:contact:2", by="us", name="Text opt-in", to=option(evidence, "No"))


def opted_out_meanwhile(evidence, *, read=2e9 - 1):
    """Somebody opts out at 2e9, and a call of ours that had read at `read` arrives after it."""
    for by, label, at in (("others", "No", 2e9), ("us", "Yes", 2e9 + 2)):
        to = option(evidence, label)
        basis = read if by == "us" else None
        change(evidence, "aiq:contact:2", by=by, name="Text opt-in", to=to, basis=basis, at=at)


def a_name_is_another(evidence):
    put(evidence, held(evidence, ORGANIZATION), name="Somewhere else")


def a_number_is_another(evidence):
    custom(evidence, held(evidence, PERSON), "Points", 4711)


def an_address_is_missing(evidence):
    put(evidence, held(evidence, PERSON), emails=[])


def a_price_is_another(evidence):
    put(evidence, held(evidence, LINE), item_price=99.0)


def the_second_plan_was_not_applied(evidence):
    know(evidence, ORGANIZATION, payload_hash="of the first plan")


def a_record_of_ours_is_nowhere_noted(evidence):
    one = held(evidence, PERSON)
    record = {**one.record, "id": 99_998, "custom_fields": {}}
    evidence.destination.records["person"][99_998] = Held("person", 99_998, False, False, record)
    evidence.changes = [*evidence.changes, Change(2e9, "us", "person", 99_998, None, record)]


def the_ledger_has_another_id(evidence):
    other = evidence.ledger.known["aiq:contact:2"].id
    know(evidence, PERSON, id=other)


def an_edit_was_overwritten(evidence):
    change(evidence, ORGANIZATION, by="others", name="name", to="By hand", at=2e9)
    change(evidence, ORGANIZATION, by="us", name="name", to="Shop 0", basis=2e9 + 1, at=2e9 + 2)


def an_address_of_others_was_removed(evidence):
    ours = held(evidence, PERSON).record["emails"]
    theirs = {"value": "extra@example.net", "primary": False, "label": "home"}
    change(evidence, PERSON, by="others", name="emails", to=[*ours, theirs], at=2e9)
    change(evidence, PERSON, by="us", name="emails", to=ours, basis=2e9 + 1, at=2e9 + 2)


def others_delete_and_we_make(evidence, *, sent_at):
    """Others delete what a create had made, then another create of the same key arrives."""
    one = held(evidence, ORGANIZATION)
    change(evidence, ORGANIZATION, by="others", name="is_deleted", to=True, at=2e9)
    deleted = replace(held(evidence, ORGANIZATION), deleted=True)
    evidence.destination.records["organization"][one.id] = deleted
    again = {**one.record, "id": 99_996}
    evidence.destination.records["organization"][99_996] = replace(one, id=99_996, record=again)
    made = Change(2e9 + 9, "us", "organization", 99_996, None, again, sent_at=sent_at)
    evidence.changes = [*evidence.changes, made]
    evidence.delays_in_bound = False
    know(evidence, ORGANIZATION, state="gone", reason="gone")


def what_others_deleted_was_made_again(evidence):
    others_delete_and_we_make(evidence, sent_at=2e9 + 8)


def what_landed_after_others_had_deleted_it_was_left_there(evidence):
    others_delete_and_we_make(evidence, sent_at=2e9 - 8)


def the_customers_share_was_spent(evidence):
    evidence.limits = Limits(tokens_a_day=100, share=0.8, calls_in_window=1000)


def a_window_was_overfilled(evidence):
    evidence.calls = [Call(1e9 + n / 100, "GET", "/x", 200, 1) for n in range(41)]


def a_dry_run_wrote(evidence):
    evidence.dry_calls = [Call(1e9, "POST", "/api/v2/persons", 200, 5)]


def a_resumed_run_ended_differently(evidence):
    evidence.lines, evidence.undisturbed_lines = ["person\ta"], ["person\ta", "person\tb"]


def an_address_stands_in_a_log(evidence):
    evidence.artefacts = {"log": b"refused: canary1@example.com"}
    evidence.secrets = ("canary1@example.com",)


def an_event_was_changed(evidence):
    event = list(evidence.ledger.events[1])
    event[4] = json.dumps({"writes": 0})
    evidence.ledger.events[1] = tuple(event)


def an_event_was_taken_out(evidence):
    del evidence.ledger.events[1]


def the_chain_was_written_anew_from_the_middle(evidence):
    *content, _ = evidence.ledger.events[2]
    content[5] = "0" * 64
    own = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    evidence.ledger.events[2] = (*content, own)


def a_second_load_wrote(evidence):
    evidence.repeated_calls = [Call(1e9, "PATCH", "/api/v2/persons/{id}", 200, 5)]


def an_undo_left_something(evidence):
    evidence.before, evidence.is_undone = Destination(), True


def an_undo_took_what_was_there_before(evidence):
    one = held(evidence, PERSON)
    evidence.before = Destination({"person": {99_997: replace(one, id=99_997)}})
    evidence.is_undone = True


BROKEN = {
    a_person_is_there_twice: "I1",
    a_line_is_there_twice: "I1",
    a_note_is_there_twice: "I1",
    a_field_is_there_twice: "I1",
    twice_for_a_moment: "I1t",
    a_planned_record_is_unknown: "I2",
    a_record_is_still_intended: "I2",
    a_record_is_still_in_doubt: "I2",
    a_quarantine_has_no_reason: "I2",
    a_row_of_the_source_was_not_planned: "I2",
    an_attempt_was_never_settled: "I2",
    a_confirmed_record_is_missing: "I3",
    a_confirmed_record_was_deleted_by_nobody_else: "I3",
    a_record_lost_its_key: "I3",
    a_person_hangs_on_another_organization: "I4",
    a_persons_organization_is_not_loaded: "I4",
    a_link_that_is_named_as_kept_was_changed_by_us: "I4",
    a_deal_hangs_on_nobody: "I4",
    a_line_hangs_on_another_product: "I4",
    something_hangs_on_what_we_removed: "I4",
    an_opt_out_was_raised: "I5",
    an_opt_out_was_cleared: "I5",
    an_opt_out_was_raised_for_a_moment: "I5",
    an_opt_out_that_came_meanwhile_stayed_written_over: "I5",
    an_opt_out_that_we_had_read_was_raised_and_put_back: "I5",
    a_name_is_another: "I6",
    a_number_is_another: "I6",
    an_address_is_missing: "I6",
    a_price_is_another: "I6",
    the_second_plan_was_not_applied: "I6",
    an_undo_left_something: "I7",
    an_undo_took_what_was_there_before: "I7",
    a_record_of_ours_is_nowhere_noted: "I8",
    the_ledger_has_another_id: "I8",
    an_edit_was_overwritten: "I9",
    an_address_of_others_was_removed: "I9",
    what_others_deleted_was_made_again: "I9",
    what_landed_after_others_had_deleted_it_was_left_there: "I9",
    the_customers_share_was_spent: "I10",
    a_window_was_overfilled: "I10",
    a_dry_run_wrote: "I11",
    a_resumed_run_ended_differently: "I12",
    an_address_stands_in_a_log: "I13",
    an_event_was_changed: "I14",
    an_event_was_taken_out: "I14",
    the_chain_was_written_anew_from_the_middle: "I14",
    a_second_load_wrote: "I15",
}


def test_a_clean_end_state_raises_no_alarm(clean):
    report = check(clean())
    assert report.violations == []
    assert report.examined["live records"] >= 20
    assert report.examined["planned rows"] >= 20
    assert report.examined["changes"] >= 20


@pytest.mark.parametrize(
    ("break_it", "invariant"), BROKEN.items(), ids=lambda one: getattr(one, "__name__", one)
)
def test_what_is_broken_by_hand_is_flagged_with_its_invariant(clean, break_it, invariant):
    evidence = clean()
    break_it(evidence)
    found = check(evidence).violations
    assert invariant in {one.invariant for one in found}, found
    assert all(one.key and one.what for one in found)


def test_every_invariant_has_a_state_that_breaks_it():
    assert set(BROKEN.values()) == {f"I{n}" for n in range(1, 16)} | {"I1t"}
    assert len(BROKEN) >= 25


def test_every_invariant_has_a_broken_state_that_it_alone_catches(clean):
    alone = set()
    for break_it in BROKEN:
        evidence = clean()
        break_it(evidence)
        found = {one.invariant for one in check(evidence).violations}
        alone |= found if len(found) == 1 else set()
    assert alone == set(BROKEN.values())


def test_an_edit_that_others_made_after_we_looked_is_a_race_and_no_violation(clean):
    evidence = clean()
    change(evidence, ORGANIZATION, by="others", name="name", to="By hand", at=2e9)
    change(evidence, ORGANIZATION, by="us", name="name", to="Shop 0", basis=2e9 - 1, at=2e9 + 2)
    assert check(evidence).violations == []


def test_an_opt_out_that_came_meanwhile_and_was_put_back_is_no_violation(clean):
    evidence = clean()
    opted_out_meanwhile(evidence)
    change(evidence, "aiq:contact:2", by="us", name="Text opt-in", to=option(evidence, "No"))
    assert {one.invariant for one in check(evidence).violations} == {"I5"}  # nobody was told
    named = {"entity": "person", "id": held(evidence, "aiq:contact:2").id, "unread": []}
    note(evidence, "written over", {**named, "columns": ["opt_in__c"]})
    assert check(evidence).violations == []


def test_what_had_left_before_others_deleted_it_is_no_violation_once_it_is_gone_or_named(clean):
    evidence = clean()
    others_delete_and_we_make(evidence, sent_at=2e9 - 8)
    extra = Extra("organization", 99_996, ORGANIZATION, "to review")
    evidence.ledger.extras["organization", 99_996] = extra
    assert [one for one in check(evidence).violations if one.invariant == "I9"] == []
    evidence.delays_in_bound = True
    assert "I9" in {one.invariant for one in check(evidence).violations}


def test_a_link_that_waits_for_its_parent_and_is_named_is_no_violation_of_the_persons_own(clean):
    evidence = clean()
    named = {"reason_code": "parent", "reason": "org__source_key: the parent is not loaded"}
    a_persons_organization_is_not_loaded(evidence, **named)
    assert [one for one in check(evidence).violations if one.key == PERSON] == []


def test_what_the_destination_fills_in_where_nothing_is_planned_is_no_violation(clean):
    evidence, product = clean(), "aiq:product:sku0"
    row = evidence.plan.rows[product]
    planned = {**row.payload, "prices": [], "owner_id": None, "visible_to": None}
    evidence.plan.rows[product] = replace(row, payload=planned)
    one = held(evidence, product)
    put(evidence, one, owner_id=101, visible_to=3, prices=[{"price": 0, "currency": "USD"}])
    assert check(evidence).violations == []
    put(evidence, held(evidence, product), prices=[{"price": 4.5, "currency": "USD"}])
    assert {one.invariant for one in check(evidence).violations} == {"I6"}


def test_what_others_edited_moved_or_deleted_is_explained(clean):
    evidence = clean()
    change(evidence, ORGANIZATION, by="others", name="name", to="By hand")
    change(evidence, DEAL, by="others", name="person_id", to=None)
    one = held(evidence, PERSON)
    change(evidence, PERSON, by="others", name="is_deleted", to=True)
    evidence.destination.records["person"][one.id] = replace(held(evidence, PERSON), deleted=True)
    assert check(evidence).violations == []


@pytest.mark.parametrize("nothing", ["plan", "ledger", "destination"])
def test_a_check_of_nothing_is_refused(clean, nothing):
    evidence = clean()
    setattr(
        evidence, nothing, {"plan": Plan, "ledger": Ledger, "destination": Destination}[nothing]()
    )
    with pytest.raises(NothingExamined):
        check(evidence)
