"""An extraction over several days: what is complete loads at once, and nobody is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from load.errors import RetryLater
from load.progress import Silent
from migrate import account, applying, steps
from sandbox import process

pytestmark = pytest.mark.long
PERSONAS = 40
HELD = "select count(*) from plan.plan_persons where reason = 'waiting for detail'"


@pytest.fixture
def info(data_dir: Path) -> Iterator[process.SandboxInfo]:
    yield process.up(data_dir / "sandbox", personas=PERSONAS, seed=7, window_scale=600)
    process.down(data_dir / "sandbox")


def test_complete_persons_load_first_and_the_rest_are_only_created_later(
    info: process.SandboxInfo, data_dir: Path
) -> None:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    settings, silent = account.on_sandbox(info), Silent()
    with pytest.raises(RetryLater):
        steps.extract_source(settings, silent, calls=30)
    steps.build_models(settings, silent)
    steps.make_plan(settings, silent)
    waiting = rows("select * from intermediate.int_contact_detail_states_derived where is_waiting")
    (held,) = rows(HELD)[0]
    assert len(waiting) >= held > 10
    # what hangs on somebody who waits, waits as well
    assert rows(
        "select count(*) from plan.plan_deals as deals join plan.plan_persons as persons "
        "on list_contains(deals.parents, persons.source_key) "
        "where persons.action = 'waiting' and deals.action <> 'waiting'"
    ) == [(0,)]
    assert applying.apply_plan(settings, silent).exit_code in (0, 3)
    loaded = "select count(*) from ledger.id_map where entity = 'person' and state = 'confirmed'"
    (first,) = rows(loaded)[0]
    assert first > 5

    steps.extract_source(settings, silent)
    steps.build_models(settings, silent)
    steps.make_plan(settings, silent)
    assert rows(HELD) == [(0,)]
    planned = dict(rows("select action, count(*) from plan.plan_persons group by action"))
    assert planned["create"] == held
    # the person who was loaded was complete: the rest of the extraction changes nothing about it
    assert planned.get("update", 0) == 0
    assert applying.apply_plan(settings, silent).exit_code in (0, 3)
    assert rows(loaded) == [(first + held,)]
