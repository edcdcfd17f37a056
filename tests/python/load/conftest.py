"""What the loader's tests share: a sandbox company over HTTP, and small frozen plans."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import duckdb
import pytest
import stamina

from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import ApplyResult, apply
from load.ledger import Ledger
from load.plan import FrozenPlan, freeze
from load.progress import Silent
from load.settings import PipedriveAccount

ROOT = Path(__file__).resolve().parents[3]
KEY = "a key for tests only"
WINDOW_SCALE = 50
ROW_COLUMNS = (
    "entity varchar, source_key varchar, wave integer, position bigint, action varchar,"
    " reason varchar, old_hash varchar, new_hash varchar, changed_fields varchar[], payload json,"
    " field_hashes json, pipedrive_id bigint, parents varchar[], token_cost integer, risk varchar"
)
TABLES = {
    "organization": "plan_organizations",
    "person": "plan_persons",
    "product": "plan_products",
    "deal": "plan_deals",
    "deal_product": "plan_deal_products",
    "note": "plan_notes",
    "activity": "plan_activities",
    "file": "plan_files",
}
SIDE_TABLES = {
    "plan_fields": "entity varchar, column_name varchar, field_name varchar, field_type varchar,"
    " is_personal boolean, on_update varchar, field_codes varchar[]",
    "plan_field_options": "entity varchar, column_name varchar, option_label varchar, rank integer",
    "plan_labels": "entity varchar, label_name varchar, rank integer, committed_codes varchar[]",
    "plan_pipelines": "source_key varchar, name varchar, committed_codes varchar[]",
    "plan_stages": "source_key varchar, pipeline__source_key varchar, name varchar, rank integer,"
    " committed_codes varchar[]",
    "plan_summary": "entity varchar, action varchar, reason varchar, rows bigint, calls bigint,"
    " tokens bigint",
    "plan_totals": "calls bigint, tokens bigint",
    "plan_file_contents": "source_key varchar, attached_file varchar, file_hash varchar",
}
FIELDS = [
    ("organization", "migration_key__c", "Migration key", "varchar", False, "set_once"),
    ("organization", "name", "Name", "native", False, "source_wins"),
    ("person", "migration_key__c", "Migration key", "varchar", False, "set_once"),
    ("person", "name", "Name", "native", True, "source_wins"),
    ("person", "emails", "E-mails", "native", True, "merge_set"),
    ("person", "org__source_key", "Organization", "native", False, "source_wins"),
    ("person", "label_names", "Labels", "native", False, "merge_set"),
    ("person", "points__c", "Points", "double", False, "source_wins"),
    ("person", "opt_in__c", "Text opt-in", "enum", True, "never_raise"),
    ("person", "groups__c", "Groups", "set", False, "merge_set"),
    ("person", "birth_date__c", "Birth date", "date", True, "fill_empty"),
    ("product", "migration_key__c", "Migration key", "varchar", False, "set_once"),
    ("product", "name", "Name", "native", False, "source_wins"),
    ("product", "code", "Code", "native", False, "source_wins"),
    ("product", "prices", "Prices", "native", False, "source_wins"),
    ("deal", "migration_key__c", "Migration key", "varchar", False, "set_once"),
    ("deal", "title", "Title", "native", False, "source_wins"),
    ("deal", "value", "Value", "native", False, "source_wins"),
    ("deal", "total__c", "Order total", "monetary", False, "source_wins"),
    ("file", "name", "Name", "native", True, "set_once"),
    ("file", "file_size", "File size", "native", False, "set_once"),
    ("file", "person__source_key", "Person", "native", False, "set_once"),
    ("file", "deal__source_key", "Deal", "native", False, "set_once"),
]
OPTIONS = [
    *(("person", "opt_in__c", label, rank) for rank, label in enumerate(("No", "Unknown", "Yes"))),
    *(("person", "groups__c", label, 0) for label in ("North", "South", "West")),
]


def md5(value: Any) -> str:
    return hashlib.md5(
        json.dumps(value, sort_keys=True).encode(), usedforsecurity=False
    ).hexdigest()


@dataclass
class World:
    """The records of a plan, by entity; tests change them and plan again."""

    payloads: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    fields: list[tuple[Any, ...]] = field(default_factory=lambda: list(FIELDS))
    options: list[tuple[Any, ...]] = field(default_factory=lambda: list(OPTIONS))
    labels: list[str] = field(default_factory=lambda: ["Big spender", "Regular"])
    actions: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    company_id: int | None = None
    # of records that are not in the first one
    waves: dict[str, int] = field(default_factory=dict)
    # committed codes of fields, by entity and column
    codes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    # columns that an update changes, by source key
    changed: dict[str, list[str]] = field(default_factory=dict)
    # file in the folder and its SHA-256, by source key
    contents: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add_file(self, folder: Path, name: str, content: bytes, **links: str) -> str:
        """A file of the folder that is to be uploaded. Gives its key."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        number = f"{len(self.contents):016x}"
        stem, dot, ending = name.rpartition(".")
        upload_name = f"{stem or ending} [aiq-file-{number}]{dot}{ending if dot else ''}"
        key = f"aiq:file:{number}"
        parents = {"person__source_key": None, "deal__source_key": None} | links
        self.add("file", key, name=upload_name, file_size=len(content), **parents)
        self.contents[key] = (name, hashlib.sha256(content).hexdigest())
        return key

    def add(self, entity: str, source_key: str, **payload: Any) -> None:
        if entity in ("organization", "person", "product", "deal"):
            payload["migration_key__c"] = source_key
        self.payloads.setdefault(entity, {})[source_key] = payload

    def freeze(self, folder: Path) -> FrozenPlan:
        """A warehouse with just this plan, frozen."""
        folder.mkdir(parents=True, exist_ok=True)
        warehouse = folder / "warehouse_of_plans.duckdb"
        with contextlib.closing(duckdb.connect(str(warehouse))) as connection:
            connection.execute("drop schema if exists plan cascade; create schema plan")
            for entity, table in TABLES.items():
                connection.execute(f"create table plan.{table} ({ROW_COLUMNS})")
                rows = [
                    self._row(entity, position, key, payload)
                    for position, (key, payload) in enumerate(self.payloads.get(entity, {}).items())
                ]
                if rows:
                    marks = ",".join("?" * 15)
                    connection.executemany(f"insert into plan.{table} values ({marks})", rows)
            for table, columns in SIDE_TABLES.items():
                connection.execute(f"create table plan.{table} ({columns})")
            self._fill_side_tables(connection)
        return freeze(
            warehouse, folder / "plans", source_account="source-1", company_id=self.company_id
        )

    def _row(self, entity: str, position: int, key: str, payload: dict[str, Any]) -> list[Any]:
        action, target_id = self.actions.get(key, ("create", None))
        parents = [
            value for name, value in payload.items() if name.endswith("__source_key") and value
        ]
        hashes = {name: md5(value) for name, value in payload.items()}
        return [
            entity, key, self.waves.get(key, 0), position, action, None, None, md5(payload),
            self.changed.get(key, []),
            json.dumps(payload), json.dumps(hashes), target_id, parents,
            10 if entity in ("note", "file") else 5, "reversible",
        ]  # fmt: skip

    def _fill_side_tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        used = {entity for entity, records in self.payloads.items() if records}
        for table, rows in {
            "plan_fields": [
                (*row, self.codes.get(row[:2], [])) for row in self.fields if row[0] in used
            ],
            "plan_field_options": [row for row in self.options if row[0] in used],
            "plan_file_contents": [(key, *one) for key, one in self.contents.items()],
            "plan_labels": [
                ("person", name, n, self.codes.get(("person", name), []))
                for n, name in enumerate(self.labels)
            ]
            if "person" in used
            else [],
            "plan_pipelines": [
                ("aiq:pipeline:Orders", "Orders", self.codes.get(("pipeline", "Orders"), []))
            ]
            if "deal" in used
            else [],
            "plan_stages": [
                (
                    f"aiq:stage:{name}",
                    "aiq:pipeline:Orders",
                    name,
                    rank,
                    self.codes.get(("stage", name), []),
                )
                for rank, name in enumerate(("New", "Done"))
            ]
            if "deal" in used
            else [],
        }.items():
            if rows:
                marks = ",".join("?" * len(rows[0]))
                connection.executemany(f"insert into plan.{table} values ({marks})", rows)


def small_world(
    *, persons: int = 12, deals: int = 8, lines: tuple[int, ...] = (1, 3, 6, 0)
) -> World:
    """Two organizations, some persons, three products, deals with lines and a note."""
    world = World()
    for number in range(2):
        world.add(
            "organization",
            f"aiq:store:{number}",
            name=f"Shop {number}",
            address={"value": f"{number} Main St, Springfield", "country": "US", "route": None},
        )
    for number in range(persons):
        world.add(
            "person",
            f"aiq:contact:{number}",
            name=f"Person Number{number}",
            emails=[{"value": f"p{number}@example.com", "primary": True, "label": "work"}],
            org__source_key=f"aiq:store:{number % 2}",
            label_names=["Regular"] if number % 2 else [],
            points__c=number * 10.5,
            opt_in__c=("No", "Unknown", "Yes")[number % 3],
            groups__c=["North", "West"] if number % 4 else None,
            birth_date__c="1990-01-15" if number % 5 else None,
        )
    for number in range(3):
        world.add(
            "product",
            f"aiq:product:sku{number}",
            name=f"Product {number}",
            code=f"SKU{number}",
            prices=[{"price": 10.0 + number, "currency": "USD"}],
        )
    for number in range(deals):
        count = lines[number % len(lines)]
        total = round(sum((10.0 + n % 3) for n in range(count)), 2) if count else 25.0
        world.add(
            "deal",
            f"aiq:order:{number}",
            title=f"Order {number}",
            value=total,
            currency="USD",
            status="won",
            won_time="2024-06-03T22:10:00Z",
            person__source_key=f"aiq:contact:{number % persons}",
            org__source_key=f"aiq:store:{number % 2}",
            stage__source_key="aiq:stage:Done",
            total__c={"value": total, "currency": "USD"},
        )
        for n in range(count):
            key = f"aiq:line:{number}:{n}"
            world.add(
                "deal_product",
                key,
                deal__source_key=f"aiq:order:{number}",
                product__source_key=f"aiq:product:sku{n % 3}",
                item_price=10.0 + n % 3,
                quantity=1.0,
                tax_method="none",
                comments=f"line {n} [{key}]",
            )
        key = f"aiq:note:{number}"
        world.add(
            "note",
            key,
            deal__source_key=f"aiq:order:{number}",
            content=f"<p>Paid in cash</p><p>[{key}]</p>",
            add_time="2024-06-03 22:10:00",
        )
    return world


def _refused(error: Exception) -> bool:
    """The test asked in a window that the loader before it had filled: the next is a moment off."""
    if not isinstance(error, HTTPError) or error.code != 429:
        return False
    error.close()
    return True


@dataclass
class Company:
    """A sandbox Pipedrive in a process of its own."""

    process: subprocess.Popen[str]
    base_url: str
    api_token: str

    def door(self, method: str, name: str, body: Any = None) -> Any:
        """The sandbox's side door."""
        return self.ask(method, f"/_sandbox/{name}", body)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            self.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-token": self.api_token, "content-type": "application/json"},
        )
        for attempt in stamina.retry_context(on=_refused, wait_initial=0.1, timeout=20):
            with attempt, urllib.request.urlopen(request) as answer:  # noqa: S310
                return json.load(answer)
        raise AssertionError("the last attempt returns or raises")

    def faults(self, *rules: dict[str, Any], seed: int = 1) -> None:
        self.door("POST", "faults", {"rules": list(rules), "seed": seed})

    def config(self, **switches: Any) -> None:
        self.door("POST", "config", switches)

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self.door("GET", f"log?limit=10000&after={len(found)}")["calls"]:
            found += page
        return found

    def writes(self) -> int:
        return sum(call["method"] != "GET" for call in self.calls())

    def records(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All records of a list of the API, lowest id first."""
        found: list[dict[str, Any]] = []
        text = "".join(f"&{name}={value}" for name, value in query.items())
        cursor = ""
        while True:
            page = self.ask("GET", f"{path}?limit=500{text}{cursor}")
            found += page["data"] or []
            more = page.get("additional_data") or {}
            if more.get("next_cursor"):
                cursor = f"&cursor={more['next_cursor']}"
            elif (more.get("pagination") or {}).get("next_start"):
                cursor = f"&start={more['pagination']['next_start']}"
            else:
                return sorted(found, key=lambda one: one["id"])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def new_company(tmp_path: Path) -> Iterator[Callable[..., Company]]:
    """Starts sandbox companies that end with the test."""
    companies: list[Company] = []

    def start(*, plan: str = "growth", seats: int = 5) -> Company:
        state = tmp_path / f"company{len(companies)}" / "pipedrive.sqlite"
        process = subprocess.Popen(
            [
                sys.executable, "-m", "sandbox.pipedrive", "--state", str(state), "--port", "0",
                "--plan", plan, "--seats", str(seats), "--window-scale", str(WINDOW_SCALE),
            ],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONWARNINGS": ""},
        )  # fmt: skip
        about = json.loads(process.stdout.readline())
        company = Company(process, about["base_url"], about["api_token"])
        companies.append(company)
        return company

    yield start
    for company in companies:
        company.stop()


@pytest.fixture
def company(new_company: Callable[..., Company]) -> Company:
    return new_company()


@dataclass
class Loader:
    """A ledger and settings that go together; `apply` runs a plan to its end in this process."""

    company: Company
    folder: Path
    plan: str = "growth"
    budget_share: float = 0.8

    @property
    def account(self) -> PipedriveAccount:
        return PipedriveAccount(**self.settings())

    def settings(self) -> dict[str, Any]:
        return {
            "base_url": self.company.base_url,
            "api_token": self.company.api_token,
            "plan": self.plan,
            "seats": 5,
            "budget_share": self.budget_share,
            "window_scale": WINDOW_SCALE,
            "settle_seconds": 0.2,
            "list_lag_seconds": 0.1,
            "quiet_seconds": 0.5,
            "read_timeout": 5,
        }

    @property
    def ledger_path(self) -> Path:
        return self.folder / "data" / "ledger.sqlite"

    @property
    def uploads(self) -> Path:
        """The folder of the files that plans upload."""
        return self.folder / "files"

    def ledger(self) -> Ledger:
        return Ledger.open(self.ledger_path, KEY)

    def apply(self, world: World | FrozenPlan, **options: Any) -> ApplyResult:
        plan = world if isinstance(world, FrozenPlan) else world.freeze(self.folder / "plans")
        options.setdefault("uploads_folder", self.uploads)

        async def run() -> ApplyResult:
            with self.ledger() as ledger:
                async with PipedriveClient(self.account, ledger, **self._client(options)) as client:
                    return await apply(
                        plan,
                        ledger,
                        client,
                        settings=self.account,
                        clock=RealClock(),
                        progress=Silent(),
                        **options,
                    )

        return asyncio.run(run())

    @staticmethod
    def _client(options: dict[str, Any]) -> dict[str, Any]:
        names = ("transport", "read_only")
        return {name: options.pop(name) for name in names if name in options}

    def states(self, entity: str) -> dict[str, str]:
        with self.ledger() as ledger:
            rows = ledger.db.execute(
                "select source_key, state from id_map where entity = ?", (entity,)
            )
            return {row["source_key"]: row["state"] for row in rows}

    def apply_in_process(
        self,
        plan: FrozenPlan,
        *,
        crashpoint: str = "",
        die_at_answer: tuple[str, int] | None = None,
        stop_at: Callable[[], bool] | None = None,
    ) -> int:
        """The same in a process of its own, which may be killed. Gives its return code."""
        task = {
            "account": self.settings(),
            "plan": str(plan.folder),
            "ledger": str(self.ledger_path),
            "key": KEY,
            "uploads": str(self.uploads),
            "die_at_answer": die_at_answer,
        }
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / "task.json").write_text(json.dumps(task))
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("apply_process.py")), "task.json"],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "LOAD_CRASHPOINT": crashpoint},
            stderr=subprocess.PIPE,
            text=True,
        )
        if stop_at is not None:
            while not stop_at() and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
        assert process.returncode in (0, 75, -signal.SIGKILL), errors
        return process.returncode


@pytest.fixture
def new_loader(tmp_path: Path) -> Callable[..., Loader]:
    """Loaders with a ledger of their own."""
    made: list[Loader] = []

    def make(company: Company, **settings: Any) -> Loader:
        made.append(Loader(company, tmp_path / f"loader{len(made)}", **settings))
        return made[-1]

    return make


@pytest.fixture
def loader(company: Company, tmp_path: Path) -> Loader:
    return Loader(company, tmp_path / "loader")


FIELD_LISTS = ("organizationFields", "personFields", "productFields", "dealFields")
VOLATILE = ("id", "add_time", "update_time", "stage_change_time", "user", "creator_user_id")


def picture(company: Company) -> dict[str, list[str]]:
    """Everything a company holds, without ids and times: two companies can be compared."""
    names: dict[str, str] = {}
    labels: dict[int, str] = {}
    for path in FIELD_LISTS:
        for one in company.ask("GET", f"/api/v2/{path}?limit=500")["data"]:
            if one["is_custom_field"]:
                names[one["field_code"]] = one["field_name"]
            labels |= {option["id"]: option["label"] for option in one.get("options") or []}
    shown: dict[str, list[str]] = {"fields": sorted(names.values())}
    titles: dict[str, dict[int, str]] = {}
    for plural in ("organizations", "persons", "products", "deals"):
        records = company.records(f"/api/v2/{plural}")
        key = plural.removesuffix("s")
        titles[key] = {one["id"]: one.get("name") or one.get("title") for one in records}
        shown[plural] = sorted(_plain(one, names, labels, titles) for one in records)
        if plural == "deals":
            shown["lines"] = sorted(
                _plain(line, names, labels, titles)
                for deal in records
                for line in company.records(f"/api/v2/deals/{deal['id']}/products")
            )
    shown["notes"] = sorted(one["content"] for one in company.records("/api/v1/notes"))
    return shown


def _plain(
    record: dict[str, Any],
    names: dict[str, str],
    labels: dict[int, str],
    titles: dict[str, dict[int, str]],
) -> str:
    parents = {"org_id": "organization", "person_id": "person", "product_id": "product"}
    parents["deal_id"] = "deal"
    plain = {}
    for name, value in record.items():
        if name in parents:
            plain[name] = titles[parents[name]].get(value, value)
        elif name == "prices":
            plain[name] = [price["price"] for price in value]
        elif name == "custom_fields":
            plain[name] = {names[code]: _named(item, labels) for code, item in value.items()}
        elif name not in VOLATILE:
            plain[name] = _named(value, labels) if name == "label_ids" else value
    return json.dumps(plain, sort_keys=True)


def _named(value: Any, labels: dict[int, str]) -> Any:
    if isinstance(value, list):
        return [labels.get(one, one) if isinstance(one, int) else one for one in value]
    return labels.get(value, value) if isinstance(value, int) else value


class Worlds:
    """Ready-made records, for tests that cannot import this file."""

    small = staticmethod(small_world)
    empty = World
    picture = staticmethod(picture)


@pytest.fixture
def worlds() -> type[Worlds]:
    return Worlds
