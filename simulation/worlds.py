"""Small accounts to migrate: a first plan and a second one, in which the source has changed.

Plans are frozen by the loader's own `freeze` from a small warehouse, once per process; schedules
share them. Names and addresses are invented and serve as canaries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb

from checker.plan import Plan, read_plan
from load.plan import FrozenPlan, PlanRow, freeze

Payloads = dict[str, dict[str, dict[str, Any]]]
TABLES: Final = {
    "organization": "plan_organizations",
    "person": "plan_persons",
    "product": "plan_products",
    "deal": "plan_deals",
    "deal_product": "plan_deal_products",
    "note": "plan_notes",
    "activity": "plan_activities",
    "file": "plan_files",
}
PLAN_ROW: Final = (
    "entity varchar, source_key varchar, wave integer, position bigint, action varchar,"
    " reason varchar, old_hash varchar, new_hash varchar, changed_fields varchar[], payload json,"
    " field_hashes json, pipedrive_id bigint, parents varchar[], token_cost integer, risk varchar"
)
PLAN_SIDE: Final = {
    "plan_fields": "entity varchar, column_name varchar, field_name varchar, field_type varchar,"
    " is_personal boolean, on_update varchar",
    "plan_field_options": "entity varchar, column_name varchar, option_label varchar, rank integer",
    "plan_labels": "entity varchar, label_name varchar, rank integer",
    "plan_pipelines": "source_key varchar, name varchar",
    "plan_stages": "source_key varchar, pipeline__source_key varchar, name varchar, rank integer",
    "plan_file_contents": "source_key varchar, attached_file varchar, file_hash varchar",
    "plan_summary": "entity varchar, action varchar, reason varchar, rows bigint, calls bigint,"
    " tokens bigint",
    "plan_totals": "calls bigint, tokens bigint",
}
_FIELDS: Final = [
    ("organization", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("organization", "name", "Name", "native", "source_wins"),
    ("person", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("person", "name", "Name", "native", "source_wins"),
    ("person", "emails", "E-mails", "native", "merge_set"),
    ("person", "org__source_key", "Organization", "native", "source_wins"),
    ("person", "label_names", "Labels", "native", "merge_set"),
    ("person", "points__c", "Points", "double", "source_wins"),
    ("person", "opt_in__c", "Text opt-in", "enum", "never_raise"),
    ("person", "groups__c", "Groups", "set", "merge_set"),
    ("person", "birth_date__c", "Birth date", "date", "fill_empty"),
    ("product", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("product", "name", "Name", "native", "source_wins"),
    ("product", "prices", "Prices", "native", "source_wins"),
    ("deal", "migration_key__c", "Migration key", "varchar", "set_once"),
    ("deal", "title", "Title", "native", "source_wins"),
    ("deal", "value", "Value", "native", "source_wins"),
    ("file", "name", "Name", "native", "set_once"),
    ("file", "file_size", "File size", "native", "set_once"),
    ("file", "person__source_key", "Person", "native", "set_once"),
]
_OPTIONS: Final = [
    *(("person", "opt_in__c", label, rank) for rank, label in enumerate(("No", "Unknown", "Yes"))),
    *(("person", "groups__c", label, 0) for label in ("North", "South", "West")),
]
_KEYED: Final = ("organization", "person", "product", "deal")


@dataclass(frozen=True, slots=True)
class World:
    """Two frozen plans, the second one as the checker reads it, and the texts that may stand
    nowhere but in plan and destination."""

    first: FrozenPlan
    second: FrozenPlan
    wanted: Plan
    canaries: tuple[str, ...]
    # where what the plans upload lies
    uploads: Path | None = None


class ReadOnce(FrozenPlan):
    """A frozen plan whose files are read once: thousands of schedules share them."""

    _batches: ClassVar[dict[tuple[Path, str, int, int | None], list[list[PlanRow]]]] = {}
    _tables: ClassVar[dict[tuple[Path, str], list[dict[str, Any]]]] = {}

    def rows(
        self, entity: str, batch_size: int, *, wave: int | None = None
    ) -> Iterator[list[PlanRow]]:
        place = (self.folder, entity, batch_size, wave)
        if place not in self._batches:
            self._batches[place] = list(super().rows(entity, batch_size, wave=wave))
        yield from self._batches[place]

    def table(self, name: str) -> list[dict[str, Any]]:
        place = (self.folder, name)
        if place not in self._tables:
            self._tables[place] = super().table(name)
        return [dict(row) for row in self._tables[place]]


def make_world(name: str, folder: Path, adopted_id: int | None) -> World:
    """`full` has all entities but files, `people` only organizations and persons, `files` a few
    persons with files of theirs."""
    payloads = _people(2, {"full": 4, "files": 2}.get(name, 5))
    if name == "full":
        _orders(payloads)
    uploads = folder / name / "uploads" if name == "files" else None
    if uploads is not None:
        for number in range(3):
            _file(payloads, uploads, number)
    actions: dict[str, tuple[str, int | None]] = {}
    if adopted_id is not None:
        actions["aiq:contact:0"] = ("adopt", adopted_id)
    canaries = (
        *(str(one["emails"][0]["value"]) for one in payloads["person"].values() if one["emails"]),
        *(str(one["name"]).partition(" [")[0] for one in payloads.get("file", {}).values()),
    )
    first = _frozen(payloads, folder / name / "first", actions)
    later = _changed(payloads)
    if uploads is not None:
        _file(later, uploads, 9)
    second = _frozen(later, folder / name / "second", actions)
    return World(
        ReadOnce(first.folder, first.manifest),
        ReadOnce(second.folder, second.manifest),
        read_plan(second.folder),
        canaries,
        uploads,
    )


def _add(payloads: Payloads, entity: str, key: str, **values: Any) -> None:
    if entity in _KEYED:
        values["migration_key__c"] = key
    payloads.setdefault(entity, {})[key] = values


def _people(organizations: int, persons: int) -> Payloads:
    payloads: Payloads = {}
    for number in range(organizations):
        _add(payloads, "organization", f"aiq:store:{number}", name=f"Shop {number}")
    for number in range(persons):
        _person(payloads, number)
    return payloads


def _person(payloads: Payloads, number: int) -> None:
    _add(
        payloads,
        "person",
        f"aiq:contact:{number}",
        name=f"Person Number{number}",
        emails=[{"value": f"canary{number}@example.com", "primary": True, "label": "work"}],
        org__source_key=f"aiq:store:{number % 2}",
        label_names=["Regular"] if number % 2 else [],
        points__c=number * 10.5,
        opt_in__c=("Yes", "Unknown", "No", "Yes")[number % 4],
        groups__c=["North", "West"] if number % 3 else None,
        birth_date__c="1990-01-15" if number % 2 else None,
    )


def _orders(payloads: Payloads) -> None:
    for number in range(2):
        _add(
            payloads,
            "product",
            f"aiq:product:sku{number}",
            name=f"Product {number}",
            prices=[{"price": 10.0 + number, "currency": "USD"}],
        )
    for number, lines in enumerate((1, 6, 0)):
        _deal(payloads, number, lines)


def _deal(payloads: Payloads, number: int, lines: int) -> None:
    deal = f"aiq:order:{number}"
    total = round(sum(10.0 + line % 2 for line in range(lines)), 2) if lines else 25.0
    _add(
        payloads,
        "deal",
        deal,
        title=f"Order {number}",
        value=total,
        currency="USD",
        person__source_key=f"aiq:contact:{number % 4}",
        org__source_key=f"aiq:store:{number % 2}",
        stage__source_key="aiq:stage:Done",
    )
    for line in range(lines):
        key = f"aiq:line:{number}:{line}"
        _add(
            payloads,
            "deal_product",
            key,
            deal__source_key=deal,
            product__source_key=f"aiq:product:sku{line % 2}",
            item_price=10.0 + line % 2,
            quantity=1.0,
            tax_method="none",
            comments=f"line {line} [{key}]",
        )
    if number < 2:
        key = f"aiq:note:{number}"
        content = f"<p>Paid in cash</p><p>[{key}]</p>"
        _add(payloads, "note", key, deal__source_key=deal, content=content)


def _file(payloads: Payloads, uploads: Path, number: int) -> None:
    """A file of its own content, under a canary's name, of one of the first two persons."""
    uploads.mkdir(parents=True, exist_ok=True)
    content = _content(number)
    (uploads / f"{number}.pdf").write_bytes(content)
    _add(
        payloads,
        "file",
        f"aiq:file:{number:016x}",
        name=f"Card of Canary{number} [aiq-file-{number:016x}].pdf",
        file_size=len(content),
        person__source_key=f"aiq:contact:{number % 2}",
    )


def _content(number: int) -> bytes:
    return b"%PDF-1.7\r\n" + bytes([number]) * 300 * (number + 1)


def _changed(payloads: Payloads) -> Payloads:
    """What the source says a day later: edits, an opt-out, an opt-in, new records."""
    later = deepcopy(payloads)
    persons = later["person"]
    later["organization"]["aiq:store:1"]["name"] = "Shop 1 moved"
    persons["aiq:contact:0"] |= {"points__c": 77.0, "opt_in__c": "No"}
    persons["aiq:contact:1"] |= {
        "name": "Person Renamed1",
        "opt_in__c": "Yes",
        "groups__c": ["West"],
    }
    address = {"value": "canary3new@example.com", "primary": True, "label": "work"}
    for key, changes in (
        ("aiq:contact:2", {"label_names": ["Regular"], "birth_date__c": "1991-02-16"}),
        ("aiq:contact:3", {"emails": [address], "points__c": 1.0}),
    ):
        if key in persons:
            persons[key] |= changes
    _person(later, 9)
    if "deal" in later:
        later["deal"]["aiq:order:0"]["title"] = "Order 0 corrected"
        later["product"]["aiq:product:sku1"]["name"] = "Product 1 again"
        later["note"]["aiq:note:1"]["content"] = "<p>Paid by card</p><p>[aiq:note:1]</p>"
        _deal(later, 4, 1)
    return later


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _frozen(
    payloads: Payloads, folder: Path, actions: dict[str, tuple[str, int | None]]
) -> FrozenPlan:
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = folder / "warehouse.duckdb"
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute("create schema plan")
        for entity, table in TABLES.items():
            connection.execute(f"create table plan.{table} ({PLAN_ROW})")
            rows = [
                _row(entity, position, key, payload, *actions.get(key, ("create", None)))
                for position, (key, payload) in enumerate(payloads.get(entity, {}).items())
            ]
            _insert(connection, table, rows)
        for table, columns in PLAN_SIDE.items():
            connection.execute(f"create table plan.{table} ({columns})")
            _insert(connection, table, _side_rows(table, set(payloads)))
        _insert(connection, "plan_file_contents", _contents(payloads))
    return freeze(warehouse, folder / "plans", source_account="source-1", company_id=None)


def _row(  # noqa: PLR0917
    entity: str, position: int, key: str, payload: dict[str, Any], act: str, target: int | None
) -> list[Any]:
    parents = [one for name, one in payload.items() if name.endswith("__source_key") and one]
    hashes = {name: _hash(one) for name, one in payload.items()}
    return [
        entity, key, 0, position, act, None, None, _hash(payload), [], json.dumps(payload),
        json.dumps(hashes), target, parents, 5, "reversible",
    ]  # fmt: skip


def _side_rows(table: str, entities: set[str]) -> list[tuple[Any, ...]]:
    with_deals = "deal" in entities
    rows: dict[str, list[tuple[Any, ...]]] = {
        "plan_fields": [(*one[:4], False, one[4]) for one in _FIELDS if one[0] in entities],
        "plan_field_options": [one for one in _OPTIONS if one[0] in entities],
        "plan_labels": [("person", "Regular", 0)],
        "plan_pipelines": [("aiq:pipeline:Orders", "Orders")] if with_deals else [],
        "plan_stages": [("aiq:stage:Done", "aiq:pipeline:Orders", "Done", 0)] if with_deals else [],
    }
    return rows.get(table, [])


def _contents(payloads: Payloads) -> list[tuple[str, str, str]]:
    numbers = [int(key.rpartition(":")[2], 16) for key in payloads.get("file", {})]
    return [
        (f"aiq:file:{n:016x}", f"{n}.pdf", hashlib.sha256(_content(n)).hexdigest()) for n in numbers
    ]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Any) -> None:
    if rows:
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"insert into plan.{table} values ({marks})", rows)
