"""The whole drill: all that can happen to a load, then the undo, then the account of before."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

PERSON = "aiq:contact:"
# the adopted person before and after, the edited one, its shop
DIFFERING = 4


def patch(company, **action):
    company.door("POST", "edit", {"action": "patch", "entity": "person", **action})


def test_creates_updates_adoption_conflicts_and_two_crashes_are_taken_back_byte_for_byte(
    loader, company, worlds, undoing
):
    """Spared are the edit of a person, and the consent that an undo would have raised."""
    shop = company.ask("POST", "/api/v2/organizations", {"name": "Old Customer"})["data"]["id"]
    body = {"name": "Typed In By Hand", "org_id": shop}
    old = company.ask("POST", "/api/v2/persons", body)["data"]["id"]
    world = worlds.small(persons=6, deals=5)
    # a field of others, so that provisioning finds and keeps it
    before = undoing.dump(company, provisioned=False)
    world.actions[f"{PERSON}2"] = ("adopt", old)

    plan = world.freeze(loader.folder / "plans")
    killed = loader.apply_in_process(plan, crashpoint="create.after_answer:deal#2")
    assert killed == -signal.SIGKILL
    assert loader.apply(world).exit_code == 0

    # a delta: updates, an opt-out on the adopted person, and a field that both sides changed
    match = {"field": "Migration key", "value": f"{PERSON}4"}
    patch(company, match=match, changes={"name": "Edited By Hand"})
    world.payloads["person"][f"{PERSON}1"]["points__c"] = 999.5
    world.payloads["person"][f"{PERSON}4"]["name"] = "Edited At The Source"
    world.payloads["person"][f"{PERSON}2"] |= {"points__c": 1.0, "opt_in__c": "No"}
    assert loader.apply(world).exit_code == 4

    killed = undoing.in_process(loader, "undo.after_answer:person#1", {"everything": True})
    assert killed == -signal.SIGKILL
    planned = undoing.run(loader, dry_run=True).plan
    result = undoing.run(loader)
    assert result.exit_code == 3
    assert "refused" not in {name for counts in result.counts.values() for name in counts}
    assert abs(result.tokens - planned.tokens) <= max(2, planned.tokens * 0.02)

    # listed: the person's edit, the consent that would rise, and what these two hang on
    rows = {(row.source_key, row.columns): row.why for row in result.plan.spared()}
    assert rows == {
        (f"{PERSON}4", ()): "changed by others: name",
        (f"{PERSON}2", ("opt_in__c",)): "narrowed: putting it back would raise it",
        ("aiq:store:0", ()): "carries a person that others changed",
    }
    # and nothing but the listed records differs from before: two gone, three that stay
    after = undoing.dump(company, provisioned=False)
    differing = set(after.splitlines()) ^ set(before.splitlines())
    assert len(differing) == DIFFERING, sorted(differing)
    for line in differing:
        assert any(name in line for name in ("Typed In By Hand", "Edited By Hand", "Shop 0")), line

    again = undoing.run(loader)
    assert again.writes == 0, [row for row in again.plan.rows if row.what == "restore"]


def test_a_link_that_was_empty_stays_and_spoils_no_other_column(loader, company, worlds, undoing):
    old = company.ask("POST", "/api/v2/persons", {"name": "Nowhere Yet"})["data"]["id"]
    world = worlds.small(persons=3, deals=1)
    world.actions[f"{PERSON}2"] = ("adopt", old)
    assert loader.apply(world).exit_code == 0
    result = undoing.run(loader)
    assert result.counts["person"] == {"deleted": 2, "restored": 1, "spared columns": 1}
    rows = {(row.source_key, row.columns): row.why for row in result.plan.spared()}
    assert rows == {
        (f"{PERSON}2", ("org__source_key",)): "it was empty: the API can't empty it again",
        ("aiq:store:0", ()): "carries a person that stays",
    }
    assert undoing.run(loader).writes == 0


def test_a_wave_is_taken_back_by_itself(loader, company, worlds, undoing):
    world = worlds.small(persons=4, deals=4)
    assert loader.apply(world).exit_code == 0
    second = {f"{PERSON}3", "aiq:order:3", "aiq:note:3"}
    selection = replace(undoing.ALL, everything=False, wave=2, keys=frozenset(second))
    result = undoing.run(loader, selection)
    assert result.exit_code == 0
    with closing(sqlite3.connect(loader.ledger_path)) as ledger:
        removed = {
            key
            for (key,) in ledger.execute("select source_key from id_map where state = 'removed'")
        }
    assert removed == second
    assert len(company.records("/api/v2/persons")) == 3
    assert undoing.run(loader, selection).writes == 0


def test_a_person_of_a_wave_stays_while_an_order_of_another_hangs_on_it(
    loader, company, worlds, undoing
):
    world = worlds.small(persons=4, deals=4)
    assert loader.apply(world).exit_code == 0
    selection = replace(
        undoing.ALL, everything=False, wave=1, keys=frozenset({f"{PERSON}3", "aiq:store:0"})
    )
    result = undoing.run(loader, selection)
    assert result.exit_code == 3
    assert {row.source_key: row.why for row in result.plan.spared()} == {
        f"{PERSON}3": "carries a deal of others",
        "aiq:store:0": "carries a person of others",
    } or all("carries" in row.why for row in result.plan.spared())
    assert len(company.records("/api/v2/persons")) == 4
