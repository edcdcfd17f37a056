"""A ledger deleted after a load is restored from the keys in the destination."""

from __future__ import annotations

import asyncio

import pytest

from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError
from load.progress import Silent
from load.rebuild import rebuild


def lose(loader):
    for suffix in ("", "-wal", "-shm"):
        path = loader.ledger_path.with_name(loader.ledger_path.name + suffix)
        path.unlink(missing_ok=True)
    assert not loader.ledger_path.exists()


def rebuilt(loader, world):
    plan = world.freeze(loader.folder / "plans")

    async def run():
        clock = RealClock()
        with loader.ledger() as ledger:
            async with PipedriveClient(loader.account, ledger, clock, read_only=True) as client:
                return await rebuild(
                    plan, ledger, client,
                    settings=loader.account, clock=clock, progress=Silent(),
                )  # fmt: skip

    return asyncio.run(run())


def remembered(loader):
    with loader.ledger() as ledger:
        rows = ledger.db.execute(
            "select entity, source_key, state, pipedrive_id, payload_hash, field_hashes, deal_id"
            " from id_map where entity not in ('pipeline', 'stage') order by 1, 2"
        ).fetchall()
        fields = ledger.db.execute(
            "select entity, column_name, field_code, state from field_codes order by 1, 2"
        ).fetchall()
        options = ledger.db.execute(
            "select entity, column_name, option_label, option_id from option_ids order by 1, 2, 3"
        ).fetchall()
    return [[tuple(row) for row in table] for table in (rows, fields, options)]


def test_a_deleted_ledger_is_rebuilt_as_it_was_and_the_next_apply_sends_no_write(
    loader, company, worlds
):
    world = worlds.small()
    assert loader.apply(world).exit_code == 0
    before, writes = remembered(loader), company.writes()
    lose(loader)
    result = rebuilt(loader, world)
    assert result.exit_code == 0, result
    assert result.counts["person"]["as planned"] == 12
    assert remembered(loader) == before
    again = loader.apply(world)
    assert (again.writes, company.writes()) == (0, writes)
    assert again.counts["deal_product"] == {"unchanged": 20}
    assert result.tokens < 200


def test_after_a_rebuild_changes_are_sent_and_what_people_wrote_stays(loader, company, worlds):
    world = worlds.small(persons=4, deals=0)
    assert loader.apply(world).exit_code == 0
    edited = company.records("/api/v2/persons")[2]
    company.ask("PATCH", f"/api/v2/persons/{edited['id']}", {"name": "As people call her"})
    lose(loader)
    result = rebuilt(loader, world)
    assert result.counts["person"] == {"as planned": 3, "differs from the plan": 1}
    world.payloads["person"]["aiq:contact:0"]["points__c"] = 77.0
    again = loader.apply(world)
    assert again.counts["person"] == {"updated": 1, "unchanged": 2, "conflict": 1}
    assert company.records("/api/v2/persons")[2]["name"] == "As people call her"
    assert len(company.records("/api/v2/persons")) == 4


def test_two_records_of_one_key_are_shown_to_a_human(loader, company, worlds):
    world = worlds.small(persons=2, deals=0)
    assert loader.apply(world).exit_code == 0
    first = company.records("/api/v2/persons")[0]
    company.ask(
        "POST",
        "/api/v2/persons",
        {"name": "Copy", "custom_fields": {
            code: value for code, value in first["custom_fields"].items()
            if value == "aiq:contact:0"
        }},
    )  # fmt: skip
    lose(loader)
    result = rebuilt(loader, world)
    assert result.exit_code == 3
    assert result.counts["person"]["to review"] == 1
    assert loader.apply(world).writes == 0


def test_a_ledger_that_is_not_lost_is_left_alone(loader, worlds):
    world = worlds.small(persons=1, deals=0)
    assert loader.apply(world).exit_code == 0
    with pytest.raises(ConfigError, match="not lost"):
        rebuilt(loader, world)
