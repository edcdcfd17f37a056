"""A resumed run passes over what is done without reading it, and over nothing else."""

from __future__ import annotations

import pytest

from load import finished
from load.ledger import records


@pytest.fixture
def passing_over(monkeypatch):
    """As if the plan were large."""
    monkeypatch.setattr(finished, "SMALLEST", 1)


def left_of(loader, plan, entity):
    with loader.ledger() as ledger:
        narrowed, done = finished.unfinished(plan, ledger, entity, wave=0, planned=99)
    return narrowed.only, done


def test_only_what_changed_or_is_not_confirmed_is_left(loader, worlds, passing_over):
    world = worlds.small(persons=8, deals=0)
    assert loader.apply(world).exit_code == 0
    world.payloads["person"]["aiq:contact:1"]["points__c"] = 1.25
    world.add("person", "aiq:contact:new", name="Newly Come")
    plan = world.freeze(loader.folder / "plans")
    with loader.ledger() as ledger:
        records.set_state(ledger, "person", "aiq:contact:2", "ambiguous")
    open_keys = {"aiq:contact:1", "aiq:contact:2", "aiq:contact:new"}
    assert left_of(loader, plan, "person") == (open_keys, 6)


def test_a_plan_of_which_little_is_done_is_read_whole(loader, worlds, passing_over):
    world = worlds.small(persons=2, deals=0)
    assert loader.apply(world).exit_code == 0
    for number in range(3):
        world.add("person", f"aiq:contact:new{number}", name="Newly Come")
    assert left_of(loader, world.freeze(loader.folder / "plans"), "person") == (None, 0)


def test_a_row_that_is_planned_away_is_looked_at_although_its_hash_is_known(
    loader, worlds, passing_over
):
    world = worlds.small(persons=4, deals=0)
    assert loader.apply(world).exit_code == 0
    world.actions["aiq:contact:3"] = ("conflict", None)
    plan = world.freeze(loader.folder / "plans")
    assert left_of(loader, plan, "person") == ({"aiq:contact:3"}, 3)


def test_a_run_that_passes_over_says_and_sends_the_same(loader, worlds, monkeypatch):
    world = worlds.small(persons=6, deals=4)
    assert loader.apply(world).exit_code == 0
    calm = loader.apply(world)
    monkeypatch.setattr(finished, "SMALLEST", 1)
    passed_over = loader.apply(world)
    assert passed_over.counts == calm.counts
    assert (passed_over.writes, passed_over.calls) == (0, calm.calls)
