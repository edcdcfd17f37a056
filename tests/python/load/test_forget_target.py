"""Deleting one subject's records in the target, through lost answers, refusals and repetition."""

from __future__ import annotations

import asyncio

import pytest

from load.client import PipedriveClient
from load.errors import RetryLater
from load.forget import rows, target
from load.progress import Silent


def deleted(loader, ids):
    async def run():
        with loader.ledger() as ledger:
            async with PipedriveClient(loader.account, ledger) as client:
                return await target.delete(client, ids, progress=Silent())

    return asyncio.run(run())


@pytest.fixture
def loaded(loader, worlds):
    assert loader.apply(worlds.small(persons=3, deals=2)).exit_code == 0
    return rows.ids_of(loader.ledger_path, ["aiq:contact:0", "aiq:order:0", "aiq:order:1"])


def test_the_subject_goes_and_everybody_else_stays(loader, company, loaded):
    assert {entity: len(ids) for entity, ids in loaded.items()} == {"person": 1, "deal": 2}
    done = deleted(loader, loaded)
    assert (done.records, done.refused) == (3, [])
    assert loaded["person"][0] not in [row["id"] for row in company.records("/api/v2/persons")]
    assert len(company.records("/api/v2/persons")) == 2
    assert company.records("/api/v2/deals") == []
    again = deleted(loader, loaded)
    assert (again.records, again.refused) == (0, [])


def test_a_lost_answer_says_run_again_and_the_second_run_finishes(loader, company, loaded):
    company.faults({"kind": "drop_response", "method": "DELETE", "nth": [2]})
    with pytest.raises(RetryLater, match="run the same command again"):
        deleted(loader, loaded)
    company.faults()
    assert deleted(loader, loaded).records == 1
    assert len(company.records("/api/v2/persons")) == 2


def test_a_refused_deletion_is_listed_and_stops_nothing(loader, company, loaded):
    company.config(archived_delete="refuse")
    first = loaded["deal"][0]
    company.ask("PATCH", f"/api/v2/deals/{first}", {"is_archived": True})
    done = deleted(loader, loaded)
    assert done.refused == [("deal", first, 400)]
    assert done.records == 2
