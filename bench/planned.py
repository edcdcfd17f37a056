"""A frozen plan of any size and a local company to load it into, for the parts that time loads.

The rows are made by SQL and frozen by the loader's own `freeze`: persons with five fields, and with
`orders` two deals each, of 1, 3, 6 or 12 lines, every tenth deal with a note.
`fewest_tokens` is what those records cost at least by the cost table, worked out from their numbers
and not from the plan.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import duckdb

from load.plan import ENTITY_TABLES, FrozenPlan, freeze

ROOT: Final = Path(__file__).resolve().parent.parent
LINES: Final = (1, 3, 6, 12)
ORGANIZATIONS: Final = 3
PRODUCTS: Final = 25
DEALS_PER_NOTE: Final = 10
DEALS_PER_PERSON: Final = 2
FIELDS: Final = (
    ("organization", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("organization", "name", "Name", "native", "source_wins"),
    ("person", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("person", "name", "Name", "native", "source_wins"),
    ("person", "emails", "E-mails", "native", "merge_set"),
    ("person", "points__c", "Points", "double", "source_wins"),
    ("person", "opt_in__c", "Text opt-in", "enum", "never_raise"),
    ("person", "org__source_key", "Organization", "native", "source_wins"),
    ("product", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("product", "name", "Name", "native", "source_wins"),
    ("deal", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("deal", "title", "Title", "native", "source_wins"),
    ("deal", "value", "Value", "native", "source_wins"),
)
_PAYLOADS: Final = {
    "organization": "select 'aiq:store:' || n as source_key, json_object('migration_key__c',"
    " 'aiq:store:' || n, 'name', 'Shop ' || n) as payload, 0 as place from range($organizations)"
    " as t (n)",
    "person": "select 'aiq:contact:' || n as source_key, json_object('migration_key__c',"
    " 'aiq:contact:' || n, 'name', 'Person Number' || n, 'emails', [{'value':"
    " 'p' || n || '@example.com', 'primary': true, 'label': 'work'}], 'points__c', n % 1000,"
    " 'opt_in__c', ['No', 'Unknown', 'Yes'][n % 3 + 1], 'org__source_key', 'aiq:store:' ||"
    " n % $organizations) as payload, n as place from range($persons) as t (n)",
    "product": "select 'aiq:product:' || n as source_key, json_object('migration_key__c',"
    " 'aiq:product:' || n, 'name', 'Product ' || n) as payload, n as place"
    " from range($products) as t (n)",
    "deal": "select 'aiq:order:' || n as source_key, json_object('migration_key__c',"
    " 'aiq:order:' || n, 'title', 'Order ' || n, 'value', $lines[n % len($lines) + 1] * 10,"
    " 'currency', 'USD', 'status', 'won', 'person__source_key', 'aiq:contact:' ||"
    " n % $persons, 'stage__source_key', 'aiq:stage:Done') as payload, n as place"
    " from range($deals) as t (n)",
    "deal_product": "select 'aiq:line:' || n || ':' || i as source_key, json_object("
    "'deal__source_key', 'aiq:order:' || n, 'product__source_key', 'aiq:product:' ||"
    " (n + i) % $products, 'item_price', 10, 'quantity', 1, 'comments',"
    " '[aiq:line:' || n || ':' || i || ']') as payload, n * 100 + i as place from"
    " range($deals) as t (n), range($lines[n % len($lines) + 1]) as u (i)",
    "note": "select 'aiq:note:' || n as source_key, json_object('deal__source_key',"
    " 'aiq:order:' || n, 'content', '<p>Paid</p><p>[aiq:note:' || n || ']</p>') as payload,"
    " n as place from range(0, $deals, $deals_per_note) as t (n)",
    "activity": "select null::varchar as source_key, null::json as payload, 0 as place where false",
    "file": "select null::varchar as source_key, null::json as payload, 0 as place where false",
}
_PARENTS: Final = (
    "list_filter([payload ->> 'org__source_key', payload ->> 'person__source_key',"
    " payload ->> 'stage__source_key', payload ->> 'deal__source_key',"
    " payload ->> 'product__source_key'], lambda each: each is not null)"
)
_HASHES: Final = (
    "to_json(map_from_entries(list_transform(json_keys(payload), lambda each:"
    " {'key': each, 'value': md5(cast(json_extract(payload, '$.' || each) as varchar))})))"
)


@dataclass(frozen=True, slots=True)
class Fewest:
    """Tokens that cannot be saved, by what they buy."""

    records: int
    account: int

    @property
    def writes(self) -> int:
        return self.records + self.account


def make_plan(folder: Path, *, persons: int, orders: bool) -> FrozenPlan:
    """A plan of so many persons, with two deals for each when there are orders."""
    values: dict[str, Any] = {
        "organizations": ORGANIZATIONS,
        "persons": persons,
        "products": PRODUCTS if orders else 0,
        "deals": persons * DEALS_PER_PERSON if orders else 0,
        "lines": list(LINES),
        "deals_per_note": DEALS_PER_NOTE,
    }
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = folder / "warehouse.duckdb"
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute("create schema plan")
        for entity, table in ENTITY_TABLES.items():
            sql = _PAYLOADS[entity]
            used = {name: value for name, value in values.items() if f"${name}" in sql}
            connection.execute(
                f"create table plan.{table} as select '{entity}' as entity, source_key,"
                " 1 as wave, place as position, 'create' as action, null::varchar as reason,"
                " md5(payload::varchar) as new_hash, []::varchar[] as changed_fields, payload,"
                f" {_HASHES} as field_hashes, null::bigint as pipedrive_id,"
                f" {_PARENTS} as parents, 0 as token_cost from ({sql})",
                used,
            )
        _side_tables(connection, with_deals=orders)
    return freeze(warehouse, folder / "plans", source_account="bench", company_id=None)


def _side_tables(connection: duckdb.DuckDBPyConnection, *, with_deals: bool) -> None:
    entities = {"organization", "person"} | ({"product", "deal"} if with_deals else set())
    fields = [one for one in FIELDS if one[0] in entities]
    connection.execute(
        "create table plan.plan_fields (entity varchar, column_name varchar, field_name varchar,"
        " field_type varchar, on_update varchar)"
    )
    connection.executemany("insert into plan.plan_fields values (?, ?, ?, ?, ?)", fields)
    connection.execute(
        "create table plan.plan_field_options as select 'person' as entity, 'opt_in__c' as"
        " column_name, unnest(['No', 'Unknown', 'Yes']) as option_label,"
        " unnest([0, 1, 2]) as rank"
    )
    connection.execute(
        "create table plan.plan_labels (entity varchar, label_name varchar, rank integer)"
    )
    stages = "['New', 'Done']" if with_deals else "[]::varchar[]"
    connection.execute(
        "create table plan.plan_pipelines as select 'aiq:pipeline:Orders' as source_key,"
        f" 'Orders' as name where {with_deals}"
    )
    connection.execute(
        "create table plan.plan_stages as select 'aiq:stage:' || name as source_key,"
        " 'aiq:pipeline:Orders' as pipeline__source_key, name, 1 as rank"
        f" from (select unnest({stages}) as name)"
    )
    connection.execute(
        "create table plan.plan_file_contents"
        " (source_key varchar, attached_file varchar, file_hash varchar)"
    )
    for table in ("plan_summary", "plan_totals"):
        connection.execute(
            f"create table plan.{table} (entity varchar, action varchar, reason varchar,"
            " calls bigint, tokens bigint)"
        )


def fewest_tokens(*, persons: int, orders: bool) -> Fewest:
    """By the cost table: 5 a record, 10 a note, lines by the cheaper of single and bulk calls."""
    deals = persons * DEALS_PER_PERSON if orders else 0
    line_tokens = sum(min(5 * LINES[n % len(LINES)], 25) for n in range(deals))
    notes = len(range(0, deals, DEALS_PER_NOTE))
    records = 5 * (ORGANIZATIONS + persons + (PRODUCTS if orders else 0) + deals)
    entities = {"organization", "person"} | ({"product", "deal"} if orders else set())
    custom = sum(kind != "native" and entity in entities for entity, _, _, kind, _ in FIELDS)
    pipeline_and_stages = 3 if orders else 0
    return Fewest(
        records=records + line_tokens + 10 * notes,
        account=5 * (custom + pipeline_and_stages),
    )


@dataclass(frozen=True, slots=True)
class Served:
    """A local company in a process of its own."""

    base_url: str
    api_token: str
    plan: str
    window_scale: float

    def door(self, name: str, body: object = None) -> Any:
        """The sandbox's side door."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.base_url}/_sandbox/{name}", data)  # noqa: S310 (loopback)
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def settings(self) -> dict[str, Any]:
        """Of a `PipedriveAccount` for it; the sandbox's own bounds."""
        return {
            "base_url": self.base_url,
            "api_token": self.api_token,
            "plan": self.plan,
            "seats": 5,
            "budget_share": 1.0,
            "window_scale": self.window_scale,
            "settle_seconds": 0.5,
            "list_lag_seconds": 0.5,
            "quiet_seconds": 0.5,
        }


@contextmanager
def a_company(folder: Path, *, plan: str, window_scale: float) -> Iterator[Served]:
    """Serves one until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "sandbox.pipedrive", "--state", str(folder / "company.sqlite")),
        *("--plan", plan, "--window-scale", f"{window_scale:g}"),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        if server.stdout is None:
            raise SystemExit("no pipe")
        about = json.loads(server.stdout.readline())
        yield Served(about["base_url"], about["api_token"], plan, window_scale)
    finally:
        server.terminate()
        server.wait(timeout=60)
        if server.stdout is not None:
            server.stdout.close()
