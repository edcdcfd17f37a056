"""A migrated account of one's own to spoil: a copy of the shared one, behind its own servers.

`Desk` is the hand of a person in the web app: it finds a record that nobody has touched yet and
changes it through the sandbox's side door, or through the API where that door has no key.
"""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from sandbox.process import SandboxInfo

VALUES = (
    "select entity, source_key, pipedrive_id, column_name, cast(value as varchar) "
    "from plan.plan_destination_values order by entity, source_key, column_name"
)
FIELDS = "select entity, column_name, field_name from mapping.fields where kind = 'custom'"
CHILDREN = (
    "select distinct json_extract_string(payload, '$.' || name) from plan.plan_records, "
    "(values ('person__source_key'), ('deal__source_key'), ('product__source_key')) as _ (name) "
    "where json_extract_string(payload, '$.' || name) is not null"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as Pipedrive holds it, in the words of the marts."""

    entity: str
    source_key: str
    id: int
    values: dict[str, Any]


@dataclass(slots=True)
class Desk:
    """Records not touched yet, and the ways to touch them."""

    info: SandboxInfo
    records: dict[str, list[Kept]]
    names: dict[tuple[str, str], str]
    parents: frozenset[str]
    touched: set[tuple[str, str]] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)

    def pick(self, entity: str, column: str, fits: Any = None, *, childless: bool = False) -> Kept:
        """A record with a value in the column; an untouched one as long as there are any."""
        found = [
            kept
            for kept in self.records[entity]
            if column in kept.values
            and not self.spoilt & {kept.source_key, kept.values.get("deal__source_key")}
            and (kept.source_key, column) not in self.touched
            and (fits is None or fits(kept.values[column]))
            and not (childless and kept.source_key in self.parents)
        ]
        assert found, f"no {entity} with a fitting {column} is left"
        busy = {key for key, _ in self.touched}
        kept = min(found, key=lambda one: (one.source_key in busy, one.source_key in self.parents))
        self.touched.add((kept.source_key, column))
        return kept

    def pick_whole(self, entity: str, *, childless: bool = False) -> Kept:
        """A record that nothing else may touch, before or after."""
        busy = {key for key, _ in self.touched}
        kept = next(
            one
            for one in self.records[entity]
            if one.source_key not in busy
            and one.values.get("deal__source_key") not in self.spoilt
            and not (childless and one.source_key in self.parents)
        )
        self.touched.add((kept.source_key, ""))
        self.spoilt.add(kept.source_key)
        return kept

    def another(self, entity: str, column: str, value: Any) -> Any:
        """A value that other records hold in the same column."""
        return next(
            one.values[column]
            for one in self.records[entity]
            if column in one.values and one.values[column] != value
        )

    def id_of(self, entity: str, *, other_than: str) -> int:
        return next(
            one.id
            for one in self.records[entity]
            if one.source_key != other_than and one.source_key not in self.spoilt
        )

    def write(self, kept: Kept, column: str, value: Any) -> None:
        """One column, by the name that people see."""
        name = self.names.get((kept.entity, column))
        if kept.entity == "deal_product":
            self.api("PATCH", self.line(kept), {column: value})
        elif name:
            self.patch(kept, {"custom_fields_by_name": {name: value}})
        else:
            self.patch(kept, {column: value})

    def patch(self, kept: Kept, changes: dict[str, Any]) -> None:
        self.edit("patch", entity=kept.entity, id=kept.id, changes=changes)

    def edit(self, action: str, **what: Any) -> Any:
        return self.send("POST", "/_sandbox/edit", {"action": action, **what})["done"]

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.send(method, path, body)["data"]

    def line(self, kept: Kept) -> str:
        """The address of a line of a deal."""
        deal = next(
            one for one in self.records["deal"] if one.source_key == kept.values["deal__source_key"]
        )
        return f"/api/v2/deals/{deal.id}/products/{kept.id}"

    def send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        parts = urlsplit(self.info.pipedrive_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        headers = {"x-api-token": self.info.api_token, "content-type": "application/json"}
        connection.request(method, path, json.dumps(body or {}), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        assert answer.status in {200, 201}, (method, path, told)
        return told


@dataclass(frozen=True)
class Copied:
    """The copy: its data folder, its servers, and the desk."""

    data_dir: Path
    desk: Desk

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(sql).fetchall()


@pytest.fixture(scope="module")
def copied(migrated: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Warehouse, ledger and Pipedrive of the migrated account, to do with as one likes."""
    from sandbox import process

    folder = tmp_path_factory.mktemp("spoilt") / "data"
    (folder / "sandbox").mkdir(parents=True)
    _snapshot(migrated.sandbox.pipedrive_url)
    state = migrated.data_dir / "sandbox" / "pipedrive.snapshot-to-spoil.sqlite"
    shutil.copy(state, folder / "sandbox" / "pipedrive.sqlite")
    for file in migrated.data_dir.iterdir():
        if file.is_file() and not file.name.endswith((".lock", "-wal", "-shm")):
            shutil.copy(file, folder / file.name)
    info = process.up(folder / "sandbox", personas=1, seed=7, window_scale=600)
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        desk = _desk(info, warehouse)
    yield Copied(folder, desk)
    process.down(folder / "sandbox")


def _snapshot(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("POST", "/_sandbox/snapshot", json.dumps({"name": "to-spoil"}))
    assert connection.getresponse().status == 200
    connection.close()


def _desk(info: SandboxInfo, warehouse: duckdb.DuckDBPyConnection) -> Desk:
    by_key: dict[tuple[str, str], Kept] = {}
    for entity, key, number, column, value in warehouse.execute(VALUES).fetchall():
        kept = by_key.setdefault((entity, key), Kept(entity, key, number, {}))
        kept.values[column] = json.loads(value)
    records: dict[str, list[Kept]] = {}
    for kept in by_key.values():
        records.setdefault(kept.entity, []).append(kept)
    names = {
        (entity, column): name for entity, column, name in warehouse.execute(FIELDS).fetchall()
    }
    parents = frozenset(key for (key,) in warehouse.execute(CHILDREN).fetchall())
    return Desk(info, records, names, parents)
