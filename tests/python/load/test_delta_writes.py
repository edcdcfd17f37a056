"""A second load sends what changed and nothing else, and leaves to people what they decided."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace

from load.plan import FrozenPlan

PERSON = "aiq:contact:"


def written_columns(loader, run_id):
    """What the ledger's journal says the updates of a run touched."""
    with closing(sqlite3.connect(loader.ledger_path)) as ledger:
        rows = ledger.execute(
            "select journal.source_key, column_name from journal join attempts using (attempt_id)"
            " where attempts.run_id = ?",
            (run_id,),
        ).fetchall()
    return set(rows)


def test_of_one_percent_changed_records_exactly_those_and_their_fields_are_written(
    loader, company, worlds
):
    world = worlds.small(persons=100, deals=100)
    assert loader.apply(world).exit_code == 0
    before = company.writes()
    records = sum(len(rows) for rows in world.payloads.values())
    for number in (3, 50):
        world.payloads["person"][f"{PERSON}{number}"]["points__c"] = 7777.5
    world.payloads["deal"]["aiq:order:8"]["title"] = "Order 8 corrected"
    world.payloads["note"]["aiq:note:9"]["content"] = "<p>By card</p><p>[aiq:note:9]</p>"
    changed = {
        (f"{PERSON}3", "points__c"),
        (f"{PERSON}50", "points__c"),
        ("aiq:order:8", "title"),
        ("aiq:note:9", "content"),
    }
    assert 0.005 < len(changed) / records < 0.015
    result = loader.apply(world)
    assert result.writes == company.writes() - before == len(changed)
    assert written_columns(loader, result.run_id) == changed


@dataclass(frozen=True)
class Decided(FrozenPlan):
    """A plan in which a person decided about one record."""

    decided: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def rows(self, entity, batch_size, *, wave=None):
        for batch in FrozenPlan.rows(self, entity, batch_size, wave=wave):
            yield [
                replace(row, action="update", **self.decided)
                if row.source_key == f"{PERSON}1"
                else row
                for row in batch
            ]


def decided(loader, world, **columns):
    plan = world.freeze(loader.folder / "plans")
    return Decided(plan.folder, plan.manifest, decided=columns)


def edited_on_both_sides(loader, company, worlds):
    world = worlds.small(persons=3, deals=1)
    loader.apply(world)
    company.door("POST", "edit", {
        "action": "patch", "entity": "person", "changes": {"name": "Theirs"},
        "match": {"field": "Migration key", "value": f"{PERSON}1"},
    })  # fmt: skip
    world.payloads["person"][f"{PERSON}1"]["name"] = "Ours"
    return world


def name_there(company):
    return {one["name"] for one in company.records("/api/v2/persons")} & {"Ours", "Theirs"}


def state_of(loader):
    with closing(sqlite3.connect(loader.ledger_path)) as ledger:
        code, hashes = ledger.execute(
            "select reason_code, field_hashes from id_map where source_key = ?", (f"{PERSON}1",)
        ).fetchone()
    return code, json.loads(hashes)["name"]


def test_a_conflict_keeps_theirs_until_somebody_decides_for_ours(loader, company, worlds):
    world = edited_on_both_sides(loader, company, worlds)
    assert loader.apply(world).exit_code == 4
    assert name_there(company) == {"Theirs"}
    code, hash_sent = state_of(loader)
    assert code == "edited by others"
    plan = decided(loader, world, take_ours=("name",))
    result = loader.apply(plan)
    assert (result.exit_code, result.writes) == (0, 1)
    assert name_there(company) == {"Ours"}
    assert state_of(loader)[0] is None
    assert state_of(loader)[1] != hash_sent
    assert loader.apply(plan).writes == 0


def test_a_decision_for_theirs_ends_the_conflict_without_a_write(loader, company, worlds):
    world = edited_on_both_sides(loader, company, worlds)
    plan = decided(loader, world, keep_theirs=("name",))
    result = loader.apply(plan)
    assert (result.exit_code, result.writes) == (0, 0)
    assert name_there(company) == {"Theirs"}
    assert state_of(loader)[0] is None
