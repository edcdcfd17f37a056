"""Every request and reply of a migration, held against Pipedrive's own OpenAPI files.

Set AIQ2PD_CONTRACTS_DIR to the folder that holds them; without it these tests skip by name. The
number of exchanges is printed (`pytest -s`).
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from extract.pipedrive import read_back
from load.progress import Silent
from sandbox.pipedrive.contract import Contract, Verdict

FOLDER = Path(os.environ.get("AIQ2PD_CONTRACTS_DIR", "../shared/contracts"))
PAGE = 1000

pytestmark = pytest.mark.skipif(
    not (FOLDER / "pipedrive-v2-openapi.yml").exists(),
    reason="Pipedrive's OpenAPI files are not here; set AIQ2PD_CONTRACTS_DIR to check against them",
)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load(FOLDER)


def door(base_url: str, name: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base_url}/_sandbox/{name}", data)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


def judged(contract: Contract, base_url: str) -> tuple[Verdict, Counter[str], int]:
    """The verdict on all recorded exchanges, how many by method, and how many there are."""
    verdict, methods, recorded, after = Verdict(), Counter[str](), 0, 0
    while page := door(base_url, f"exchanges?limit={PAGE}&after={after}")["exchanges"]:
        found = contract.check(page)
        verdict.checked += found.checked
        verdict.violations += found.violations
        methods.update(each["method"] for each in page)
        recorded += len(page)
        after = page[-1]["seq"]
    print(f"{verdict.checked} exchanges checked, {len(verdict.violations)} violations", methods)  # noqa: T201
    return verdict, methods, recorded


def test_nothing_that_a_load_an_update_and_a_read_back_exchange_violates_the_contract(
    contract, company, loader, worlds
):
    company.config(record_exchanges=True)
    world = worlds.small(persons=60, deals=40)
    assert loader.apply(world).exit_code == 0
    for number in range(20):
        world.payloads["person"][f"aiq:contact:{number}"]["points__c"] = 999.5
        world.payloads["deal"][f"aiq:order:{number}"]["title"] = "Changed"
    assert loader.apply(world).exit_code == 0
    with loader.ledger() as ledger:
        read = read_back(loader.account, loader.folder / "data", ledger=ledger, progress=Silent())
    assert read.rows["persons"] == 60
    verdict, methods, recorded = judged(contract, company.base_url)
    assert verdict.violations == []
    assert verdict.checked == recorded == sum(methods.values()) > 200
    assert {"GET", "POST", "PATCH"} <= methods.keys()


def test_nothing_that_a_whole_migration_exchanges_violates_the_contract(contract, migrated):
    assert all(outcome.exit_code in (0, 3) for outcome in migrated.outcomes.values())
    verdict, methods, recorded = judged(contract, migrated.sandbox.pipedrive_url)
    assert verdict.violations == []
    assert verdict.checked == recorded > 300
    assert {"GET", "POST"} <= methods.keys()
