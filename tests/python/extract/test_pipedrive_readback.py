"""The read-back: everything once, as it came; all of it or nothing; private files."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from extract.pipedrive import read_back
from load import api
from load.budget import TokensInMemory
from load.client import PipedriveClient
from load.errors import AccessRefused, BudgetExhausted, RetryLater
from load.progress import Silent
from load.settings import PipedriveAccount

ROOT = Path(__file__).resolve().parents[3]
TABLES = (
    "users", "pipelines", "stages", "organization_fields", "person_fields", "deal_fields",
    "product_fields", "organizations", "persons", "products", "deals", "deal_products", "notes",
    "activities", "files",
)  # fmt: skip


@dataclass
class Company:
    base_url: str
    api_token: str

    def door(self, name, body):
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}/_sandbox/{name}", method="POST", data=json.dumps(body).encode()
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)

    def account(self, **more):
        about = {"api_token": self.api_token, "plan": "ultimate", "seats": 5, "window_scale": 100}
        return PipedriveAccount(base_url=self.base_url, **(about | more))

    def send(self, work):
        async def run():
            async with PipedriveClient(self.account(), TokensInMemory()) as client:
                return await work(client)

        return asyncio.run(run())


@pytest.fixture
def company(tmp_path):
    command = [
        sys.executable, "-m", "sandbox.pipedrive", "--state", str(tmp_path / "pd" / "p.sqlite"),
        "--plan", "ultimate", "--window-scale", "100",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        about = json.loads(process.stdout.readline())
        yield Company(about["base_url"], about["api_token"])
        process.terminate()


async def a_small_company(client):
    organization = await api.add_record(client, "organizations", {"name": "North"})
    person = await api.add_record(
        client, "persons", {"name": "\u00c9lo\u00efse \U0001f33f", "org_id": organization["id"]}
    )
    product = await api.add_record(client, "products", {"name": "Tea"})
    deals = [
        await api.add_record(client, "deals", {"title": title, "person_id": person["id"]})
        for title in ("One", "Two")
    ]
    line = {"product_id": product["id"], "item_price": 84.5, "quantity": 2}
    await api.add_line(client, deals[0]["id"], line)
    await api.add_lines(client, deals[1]["id"], [line, line])
    await api.add_note(client, {"content": "<p>hello</p>", "deal_id": deals[0]["id"]})
    await api.add_record(client, "activities", {"subject": "Call", "deal_id": deals[0]["id"]})
    await api.change_record(client, "deals", deals[1]["id"], {"is_archived": True})
    return person["id"]


def rows(data_dir, sql):
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def run(company, data_dir, *, activities=False, **more):
    account, tokens = company.account(**more), TokensInMemory()
    return read_back(account, data_dir, ledger=tokens, progress=Silent(), activities=activities)


def test_everything_is_landed_once_as_it_came_and_read_again_the_same(company, data_dir):
    person_id = company.send(a_small_company)
    first = run(company, data_dir)
    assert set(first.rows) == set(TABLES)
    wanted = {"organizations": 1, "persons": 1, "products": 1, "deals": 2, "deal_products": 3}
    assert {name: first.rows[name] for name in wanted} == wanted
    assert first.rows["notes"] == 1
    assert first.rows["activities"] == 0
    assert first.rows["files"] == 0
    ((key, payload, content_hash, request),) = rows(
        data_dir,
        "select record_key, payload::varchar, content_hash, request from raw_pipedrive.persons",
    )
    assert key == str(person_id)
    assert json.loads(payload)["name"] == "\u00c9lo\u00efse \U0001f33f"
    assert content_hash == sha256(payload.encode()).hexdigest()
    assert request.startswith("/api/v2/persons?limit=500&sort_by=id")
    archived = "select (payload ->> 'is_archived')::boolean from raw_pipedrive.deals"
    assert sorted(rows(data_dir, archived)) == [(False,), (True,)]

    second = run(company, data_dir)
    assert second.rows == first.rows
    for name in TABLES:
        (found,) = rows(
            data_dir,
            f"select count(*), count(distinct record_key) from raw_pipedrive.{name}"
            " inner join raw_pipedrive._dlt_loads on _dlt_load_id = load_id and status = 0",
        )
        assert found == (first.rows[name], first.rows[name])
    with_activities = run(company, data_dir, activities=True)
    assert with_activities.rows == first.rows | {"activities": 1}
    assert with_activities.calls == first.calls + 1
    summaries = rows(data_dir, "select payload ->> 'tokens' from raw_pipedrive.readbacks")
    assert summaries == [(str(one.tokens),) for one in (first, second, with_activities)]


def test_a_table_that_became_empty_is_empty(company, data_dir):
    person_id = company.send(a_small_company)
    run(company, data_dir)
    company.send(lambda client: api.remove_record(client, "persons", person_id))
    assert run(company, data_dir).rows["persons"] == 0
    assert rows(data_dir, "select count(*) from raw_pipedrive.persons") == [(0,)]


@pytest.mark.parametrize("trouble", ["budget", "access", "answers"])
def test_a_read_back_that_stops_half_way_changes_nothing(company, data_dir, trouble):
    company.send(a_small_company)
    run(company, data_dir)
    before = rows(data_dir, "select record_key, _dlt_load_id from raw_pipedrive.persons")
    company.send(lambda client: api.add_record(client, "persons", {"name": "Late"}))
    error = {"budget": BudgetExhausted, "access": AccessRefused, "answers": RetryLater}[trouble]
    if trouble == "budget":
        company.door("config", {"daily_budget": 600})
    else:
        kind = "blocked" if trouble == "access" else "html"
        rule = {"kind": kind, "method": "GET", "path": "/deals"}
        company.door("faults", {"rules": [rule], "seed": 1})
    with pytest.raises(error):
        run(company, data_dir, budget_share=0.2 if trouble == "budget" else 1.0)
    assert rows(data_dir, "select record_key, _dlt_load_id from raw_pipedrive.persons") == before
    company.door("faults", {"rules": [], "seed": 1})
    company.door("config", {"daily_budget": 100_000})
    if trouble != "access":
        assert run(company, data_dir).rows["persons"] == 2


def test_a_warehouse_that_is_open_elsewhere_is_no_reason_to_lose_anything(company, data_dir):
    run(company, data_dir)
    holder = subprocess.Popen(
        [
            sys.executable, "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
            str(data_dir / "warehouse.duckdb"),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        holder.stdout.readline()
        with pytest.raises(RetryLater, match="open in another program"):
            run(company, data_dir)
        holder.communicate("\n")


def test_files_are_the_owners_alone_and_no_payload_is_left_behind(company, data_dir):
    company.send(a_small_company)
    run(company, data_dir)
    for folder, _, names in os.walk(data_dir):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700, folder
        for name in names:
            file = Path(folder) / name
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
            if file.name != "warehouse.duckdb":
                content = file.read_bytes()
                assert company.api_token.encode() not in content
                assert "\u00c9lo\u00efse".encode() not in content
