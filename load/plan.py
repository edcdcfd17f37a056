"""A plan with a life of its own: frozen from the warehouse, read by the loader for days.

`freeze` copies the plan tables into `plans_dir/<digest>/` as Parquet files (0600) with a manifest;
`open_plan` refuses files that are not what was frozen. The loader reads nothing but this and the
ledger, so that the warehouse can be rebuilt and planned again at any moment of a load.

A row's `payload` is the logical record by mart column names; `load.payload` turns it into a body.
Raises `ConfigError` if there is no plan, or one that was changed or never finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from load.errors import ConfigError, RetryLater
from load.plan_rows import PlanField, PlanRow, row_of
from load.warehouse import connect

__all__ = ["FrozenPlan", "PlanField", "PlanRow", "freeze", "latest_plan", "open_plan"]

ENTITY_TABLES: Final[dict[str, str]] = {
    "organization": "plan_organizations",
    "person": "plan_persons",
    "product": "plan_products",
    "deal": "plan_deals",
    "deal_product": "plan_deal_products",
    "note": "plan_notes",
    "activity": "plan_activities",
    "file": "plan_files",
}
# which file an upload sends: what its record does not show
CONTENTS_TABLE: Final = "plan_file_contents"
# every other table and the order in which its rows are frozen
_SIDE_TABLES: Final[dict[str, str]] = {
    "plan_fields": "entity, column_name",
    "plan_field_options": "entity, column_name, rank, option_label",
    "plan_labels": "entity, rank, label_name",
    "plan_pipelines": "source_key",
    "plan_stages": "pipeline__source_key, rank, source_key",
    CONTENTS_TABLE: "source_key",
    "plan_summary": "entity, action, reason",
    "plan_totals": "all",
}
_DIGEST_LENGTH: Final = 16
# a reader holds one group at a time, so that its memory does not grow with the plan
_ROW_GROUP: Final = 2_048


@dataclass(frozen=True, slots=True)
class FrozenPlan:
    """A frozen plan on disk. `manifest` has digest, account, counts, tokens and calls.

    `only` narrows it to these source keys (a sample).
    """

    folder: Path
    manifest: Mapping[str, Any]
    only: frozenset[str] | None = None

    @property
    def digest(self) -> str:
        return str(self.manifest["digest"])

    def only_wave(self, wave: int) -> FrozenPlan:
        """The same plan, of which a load carries out one wave. Raises `ConfigError`."""
        if wave not in self.waves():
            known = ", ".join(map(str, self.waves()))
            raise ConfigError(f"plan {self.digest} has no wave {wave}; it has {known or 'none'}")
        return replace(self, manifest={**self.manifest, "waves": [wave]})

    def keys_of_wave(self, wave: int) -> frozenset[str]:
        """Source keys of all entities that load in this wave."""
        wanted = ds.field("wave") == wave
        return frozenset(
            key
            for entity, table in ENTITY_TABLES.items()
            if entity in self.manifest["counts"]
            for key in ds.dataset(self.folder / f"{table}.parquet")
            .to_table(columns=["source_key"], filter=wanted)
            .column("source_key")
            .to_pylist()
        )

    def waves(self) -> list[int]:
        """The waves that occur, in order."""
        return [int(wave) for wave in self.manifest["waves"]]

    def rows(
        self, entity: str, batch_size: int, *, wave: int | None = None
    ) -> Iterator[list[PlanRow]]:
        """The rows of an entity in the order of sending, never more than `batch_size` at once."""
        for batch in self.batches(entity, batch_size, wave=wave):
            yield [row_of(values) for values in batch.to_pylist()]

    def batches(
        self, entity: str, size: int, *, wave: int | None, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same as they lie in the file; all columns or these."""
        # a plan of an earlier version has no file of an entity that is younger
        if (self.only is not None and not self.only) or entity not in self.manifest["counts"]:
            return
        read = None if columns is None else [*{*columns, "wave", "source_key"}]
        # a dataset would decode the rest of the file ahead, and hold it until its turn
        with pq.ParquetFile(self.folder / f"{ENTITY_TABLES[entity]}.parquet") as file:
            for batch in file.iter_batches(size, columns=read):
                found = self._wanted(batch, wave)
                if found.num_rows:
                    yield found if columns is None else found.select(columns)

    def _wanted(self, batch: pa.RecordBatch, wave: int | None) -> pa.RecordBatch:
        if wave is not None:
            batch = batch.filter(pc.equal(batch["wave"], wave))
        if self.only is not None:
            keys = batch["source_key"].to_pylist()
            batch = batch.filter(pa.array([key in self.only for key in keys], pa.bool_()))
        return batch

    def updates_of(self, entity: str, columns: Set[str]) -> list[str]:
        """Source keys of the updates that change one of these columns, in the order of sending."""
        looked_at = ["source_key", "action", "changed_fields"]
        return [
            str(row["source_key"])
            for batch in self.batches(entity, _ROW_GROUP, wave=None, columns=looked_at)
            for row in batch.to_pylist()
            if row["action"] == "update" and not columns.isdisjoint(row["changed_fields"] or ())
        ]

    def rows_of(self, entity: str, source_keys: Sequence[str]) -> dict[str, PlanRow]:
        """The rows of these records that hold a payload, by source key."""
        if not source_keys or entity not in self.manifest["counts"]:
            return {}
        table = ds.dataset(self.folder / f"{ENTITY_TABLES[entity]}.parquet")
        wanted = ds.field("source_key").isin(list(source_keys)) & ds.field("payload").is_valid()
        return {
            values["source_key"]: row_of(values)
            for values in table.to_table(filter=wanted).to_pylist()
        }

    def fields(self) -> list[PlanField]:
        """All columns that cross, with their policy."""
        return [
            PlanField(
                row["entity"],
                row["column_name"],
                row["field_name"],
                row["field_type"],
                row["on_update"],
                tuple(row.get("field_codes") or ()),
            )
            for row in self.table("plan_fields")
        ]

    def table(self, name: str) -> list[dict[str, Any]]:
        """A small side table as a list of rows."""
        rows: list[dict[str, Any]] = pq.read_table(self.folder / f"{name}.parquet").to_pylist()
        return rows


def freeze(
    warehouse: Path,
    plans_dir: Path,
    *,
    source_account: str,
    company_id: int | None,
    more: Mapping[str, str] | None = None,
) -> FrozenPlan:
    """Freezes the plan tables of the warehouse. The same content gives the same digest.

    `more` goes into the manifest as it is. Frozen again, a plan becomes the newest one; its rows
    stay as they are.
    """
    try:
        connection = connect(warehouse, read_only=True)
    except duckdb.IOException as error:
        raise RetryLater(
            "the warehouse is open in another program; close it and plan again"
        ) from error
    with closing(connection):
        orders = dict.fromkeys(ENTITY_TABLES.values(), "wave, position, source_key")
        try:
            digests = {
                table: _digest(connection, table, order)
                for table, order in sorted((orders | _SIDE_TABLES).items())
            }
            manifest = _manifest(connection, digests)
        except duckdb.CatalogException as error:
            raise ConfigError("the warehouse has no plan; run `dbt build` first") from error
        manifest |= {"source_account": source_account, "company_id": company_id, **(more or {})}
        folder = plans_dir / str(manifest["digest"])
        if (folder / "manifest.json").exists():
            files = open_plan(folder).manifest["files"]
            write_manifest(folder, manifest | {"files": files})
        else:
            _write(connection, folder, orders | _SIDE_TABLES, manifest)
    return open_plan(folder)


def open_plan(folder: Path) -> FrozenPlan:
    """Opens a frozen plan after checking that every file is what was frozen."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        for name, expected in manifest["files"].items():
            if file_hash(folder / name) != expected:
                raise ConfigError(
                    f"plan {folder.name}: {name} was changed after freezing; plan again"
                )
    except FileNotFoundError as error:
        raise ConfigError(f"{folder.name} is not a complete plan; run `aiq2pd plan`") from error
    return FrozenPlan(folder, manifest)


def latest_plan(plans_dir: Path) -> FrozenPlan | None:
    """The plan that was frozen last, by its own word, or None."""
    frozen = [
        (str(json.loads(path.read_text())["created_at"]), path.parent)
        for path in plans_dir.glob("[!.]*/manifest.json")
    ]
    return open_plan(max(frozen)[1]) if frozen else None


def _digest(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> str:
    """A hash over all rows of a table in order."""
    found = connection.execute(
        "select sha256(coalesce(string_agg(row_hash, '' order by place), '')) from ("
        f" select sha256(to_json(content)::varchar) as row_hash, row_number() over () as place"
        f" from (select * from plan.{table} order by {order}) as content)"
    ).fetchone()
    return str(found[0]) if found else ""


def _manifest(connection: duckdb.DuckDBPyConnection, digests: dict[str, str]) -> dict[str, Any]:
    every_row = " union all ".join(
        f"select entity, action, wave, token_cost from plan.{table}"
        for table in ENTITY_TABLES.values()
    )
    counts: dict[str, dict[str, int]] = {}
    for entity, action, rows in connection.execute(
        f"select entity, action, count(*) from ({every_row}) group by all order by all"
    ).fetchall():
        counts.setdefault(entity, {})[action] = rows
    totals = connection.execute(
        "select coalesce(sum(calls), 0)::bigint, coalesce(sum(tokens), 0)::bigint"
        " from plan.plan_summary"
    ).fetchone() or (0, 0)
    waves = connection.execute(f"select distinct wave from ({every_row}) order by all").fetchall()
    content = json.dumps(digests, sort_keys=True).encode()
    mapping = digests["plan_fields"] + digests["plan_field_options"]
    return {
        "digest": hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH],
        "created_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "counts": counts,
        "calls": totals[0],
        "tokens": totals[1],
        "waves": [wave for (wave,) in waves],
        "mapping_hash": hashlib.sha256(mapping.encode()).hexdigest(),
    }


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    orders: dict[str, str],
    manifest: dict[str, Any],
) -> None:
    """Writes beside the final place first: a plan is there as a whole or not at all."""
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft.mkdir(mode=0o700)
    hashes = {}
    for table, order in orders.items():
        path = draft / f"{table}.parquet"
        place = str(path).replace("'", "''")
        connection.execute(
            f"copy (select * from plan.{table} order by {order}) to '{place}'"
            f" (format parquet, row_group_size {_ROW_GROUP})"
        )
        path.chmod(0o600)
        hashes[path.name] = file_hash(path)
    write_manifest(draft, manifest | {"files": hashes})
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """In one step: a reader finds the former one or this one."""
    draft = folder / ".manifest.draft"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(manifest, indent=2, default=str))
    draft.rename(folder / "manifest.json")


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
