"""The key drill: receipts, merges and new rules arrive after the load; nothing known is new.

A load from the API whose order lines have neither receipt number nor SKU; then the exports with
both, a merge at the source and a person's decision that two contacts are one.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from load.progress import Silent
from migrate import account, applying, steps
from migrate.places import project_dir
from migrate.settings import Settings
from sandbox import process

pytestmark = pytest.mark.long
PERSONAS = 40


class World:
    """Both services and one data folder."""

    def __init__(self, folder: Path, info: process.SandboxInfo) -> None:
        self.folder = folder
        self.info = info
        self.settings: Settings = account.on_sandbox(info)

    def door(self, what: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.info.alpine_iq_url}/_sandbox/{what}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.loads(response.read())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def planned(self) -> dict[tuple[str, str], int]:
        found = self.rows("select entity, action, count(*) from plan.plan_records group by all")
        return {(entity, action): count for entity, action, count in found}


@pytest.fixture
def world(data_dir: Path) -> Iterator[World]:
    info = process.up(data_dir / "sandbox", personas=PERSONAS, seed=7, window_scale=600)
    yield World(data_dir, info)
    process.down(data_dir / "sandbox")


def two_persons(world: World) -> list[tuple[str, str]]:
    """Four loaded contacts with orders, as two pairs."""
    ids = [
        key
        for (key,) in world.rows(
            "select distinct person__source_key from marts.mart_deals "
            "where person__source_key is not null order by 1 limit 4"
        )
    ]
    contacts = [key.removeprefix("aiq:contact:") for key in ids]
    return [(contacts[0], contacts[1]), (contacts[2], contacts[3])]


def project_with_a_decision(
    contact: str, same_as: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project as a commit of match_decisions.csv would leave it."""
    rooms = ("models", "macros", "seeds", "profiles", "tests")
    for room in rooms:
        shutil.copytree(project_dir() / room, folder / room)
    for file in ("dbt_project.yml", "profiles.yml", "selectors.yml", "account.toml"):
        shutil.copy(project_dir() / file, folder / file)
    with (folder / "seeds" / "decisions" / "match_decisions.csv").open("a") as decisions:
        decisions.write(f"{contact},{same_as},same,drill,test,2026-01-01\n")
    monkeypatch.setattr(steps, "project_dir", lambda: folder)


def test_exports_merges_and_decisions_create_nothing_that_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.door("config", {"orders.shape": "lean"})
    silent = Silent()
    steps.extract_source(world.settings, silent)
    steps.build_models(world.settings, silent)
    steps.make_plan(world.settings, silent)
    assert applying.apply_plan(world.settings, silent).exit_code in (0, 3)
    created = world.rows("select count(*) from ledger.id_map where state = 'confirmed'")[0][0]
    assert created > 300
    orders = "select count(*) from intermediate.int_orders_rolled_up"
    before = world.rows(orders)

    (gone, survivor), (decided, same) = two_persons(world)
    world.door("export", {"folder": str(world.folder / "inbox")})
    world.door("edit", {"action": "merge_contact", "contactID": gone, "into": survivor})
    steps.extract_source(world.settings, silent)
    asked = world.rows(
        "select payload -> 'calls_by_endpoint' ->> 'contact_orders' "
        "from raw_alpine_iq.extraction_runs order by fetched_at"
    )
    project_with_a_decision(decided, same, tmp_path / "project", monkeypatch)
    steps.build_models(world.settings, silent)
    steps.make_plan(world.settings, silent)

    with_ids = world.rows(
        "select count(*) from intermediate.int_order_lines_keyed where order_id is not null"
    )
    assert with_ids[0][0] > 100
    assert asked == [("38",), (None,)]
    assert world.rows(orders) >= before
    creates = {key: count for key, count in world.planned().items() if key[1] == "create"}
    assert creates == {}
    kept = world.rows(
        "select count(*) from intermediate.int_key_aliases "
        "where entity = 'deal' and present_key in (select source_key from ledger.id_map)"
    )
    assert kept[0][0] > 10
