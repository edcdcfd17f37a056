"""Into the warehouse: Arrow tables of untouched JSON text, one dlt load package at a time.

Every raw table has the columns of `COLUMNS`. A table that was read as a whole is replaced in one
transaction; what arrives bit by bit is upserted by `record_key`; a log of runs is appended to. A
row counts once its load id stands in `_dlt_loads` with status 0.

dlt works in a private folder, keeps nothing of what it loaded and reports to nobody. Raises
`RetryLater` when another program has the warehouse open; errors of the reader pass as they are.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import dlt
import duckdb
import pyarrow as pa
from dlt.destinations.impl.ducklake.configuration import DuckLakeCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from extract.records import Record
from load.errors import MigrationError, RetryLater
from load.turns import turn
from load.warehouse import EXTENSIONS, connect, extension_file, is_there, lake_of
from load.warehouse import NAME as LAKE

if TYPE_CHECKING:
    from dlt.extract import DltResource

COLUMNS: Final = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
_BATCH: Final = 5_000
WAREHOUSE: Final = "warehouse.duckdb"
PIPELINES: Final = "dlt"

Way = Literal["replace", "upsert", "append"]
_DISPOSITIONS: Final[Mapping[Way, Any]] = {
    "replace": "replace",
    "upsert": {"disposition": "merge", "strategy": "upsert"},
    "append": "append",
}
_HINTS: Final = {
    "record_key": {"data_type": "text", "nullable": False, "primary_key": True},
    "payload": {"data_type": "json", "nullable": False},
}
_SETTINGS: Final[Mapping[str, object]] = {
    "runtime.dlthub_telemetry": False,
    "extract.next_item_mode": "fifo",  # resources are read in the order in which they are named
    "load.delete_completed_jobs": True,
    "load.truncate_staging_dataset": True,
    "load.raise_on_failed_jobs": True,
    "normalize.workers": 1,
    "normalize.parquet_normalizer.add_dlt_load_id": True,
    "destination.duckdb.replace_strategy": "insert-from-staging",
    "destination.ducklake.replace_strategy": "insert-from-staging",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """One schema of raw tables, the pipeline that fills it, and how DuckDB is set meanwhile.

    `resumable` tells that whatever a killed process had read can be read again at no cost: then
    its unfinished packages are thrown away. Else they are loaded before anything new is read, so
    that no table stays half replaced.
    """

    name: str
    pipeline: str
    load_workers: int
    duckdb_settings: Mapping[str, str] = field(default_factory=dict)
    resumable: bool = False


def table_of(
    keys: Sequence[str],
    payloads: Sequence[bytes],
    hashes: Sequence[str],
    requests: Sequence[str] | str,
    fetched_at: Sequence[datetime] | datetime,
) -> pa.Table:
    """Columns of a raw table; payload text untouched. A single request or time is everybody's."""
    count = len(keys)
    columns = [
        pa.array(keys, pa.string()),
        pa.array(payloads, pa.binary()).cast(pa.string()),
        pa.array(hashes, pa.string()),
        pa.repeat(pa.scalar(requests, pa.string()), count)
        if isinstance(requests, str)
        else pa.array(requests, pa.string()),
        pa.repeat(pa.scalar(fetched_at, COLUMNS.field("fetched_at").type), count)
        if isinstance(fetched_at, datetime)
        else pa.array(fetched_at, COLUMNS.field("fetched_at").type),
    ]
    return pa.Table.from_arrays(columns, schema=COLUMNS)


def tables_of(groups: Iterable[Sequence[Record]]) -> Iterator[pa.Table]:
    """Groups of records as tables of at most `_BATCH` rows."""
    for group in groups:
        for first in range(0, len(group), _BATCH):
            some = group[first : first + _BATCH]
            yield table_of(
                [each.record_key for each in some],
                [each.payload for each in some],
                [each.content_hash for each in some],
                [each.request for each in some],
                [each.fetched_at for each in some],
            )


def resource(name: str, tables: Iterable[pa.Table], way: Way) -> DltResource:
    """A raw table as dlt sees it. It is made, or emptied, even if nothing comes."""

    def with_shape() -> Iterator[pa.Table]:
        yield COLUMNS.empty_table()
        yield from tables

    return dlt.resource(with_shape, name=name, write_disposition=_DISPOSITIONS[way], columns=_HINTS)


class Warehouse:
    """The raw tables of one dataset in the warehouse file of a data folder."""

    def __init__(self, data_dir: Path, dataset: Dataset) -> None:
        self.dataset = dataset.name
        self._path = data_dir / WAREHOUSE
        self._kind = dataset
        for key, value in _SETTINGS.items():
            dlt.config[key] = value
        dlt.config["load.workers"] = dataset.load_workers
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        folder = data_dir / PIPELINES
        with private_files():
            with turn(self._path), self._open():
                pass  # fails now rather than after the first calls
            if dataset.resumable:
                shutil.rmtree(folder / dataset.pipeline, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._pipeline = dlt.pipeline(
                dataset.pipeline,
                pipelines_dir=str(folder),
                destination=_destination(self._path),
                dataset_name=dataset.name,
            )

    def land(self, *resources: DltResource) -> None:
        """One committed load package: all is read to disk, then loaded."""

        @dlt.source(name=self._kind.pipeline)  # type: ignore[untyped-decorator]
        def source() -> list[DltResource]:
            return list(resources)

        with private_files():
            with self._open():
                pass
            self._finish_interrupted()
            try:
                self._pipeline.extract(source())
                self._pipeline.normalize()
                self._load()
            except PipelineStepFailed as error:
                self._pipeline.abort_packages()
                raise _cause(error) from None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query over the raw tables; none when its tables do not exist yet."""
        if not is_there(self._path):
            return []
        try:
            with closing(connect(self._path, read_only=True)) as connection:
                return connection.execute(sql, parameters).fetchall()
        except duckdb.CatalogException:
            return []
        except duckdb.IOException as error:
            raise _busy(error, self._path) from None

    def _load(self) -> None:
        # the connection stays open, so that its settings hold for dlt's own connections as well
        # and there is one checkpoint
        with turn(self._path), self._open() as connection:
            for name, value in self._kind.duckdb_settings.items():
                connection.execute(f"SET GLOBAL {name} = '{value}'")
            self._pipeline.load()

    def _finish_interrupted(self) -> None:
        if not self._pipeline.has_pending_data:
            return
        try:
            self._pipeline.normalize()
            self._load()
        except PipelineStepFailed:
            self._pipeline.abort_packages()

    @contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = connect(self._path)
        except duckdb.IOException as error:
            raise _busy(error, self._path) from None
        with closing(connection):
            yield connection


def _destination(file: Path) -> Any:
    """dlt's own name for the warehouse."""
    lake = lake_of(file.parent)
    if lake is None:
        return dlt.destinations.duckdb(str(file))
    credentials = DuckLakeCredentials(
        LAKE, metadata_schema=LAKE, catalog=lake.catalog, storage=lake.files
    )
    credentials.extensions = [f"'{extension_file(name)}'" for name in EXTENSIONS]
    return dlt.destinations.ducklake(credentials=credentials)


@contextmanager
def private_files() -> Iterator[None]:
    """Files made in this block belong to their owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _cause(error: PipelineStepFailed) -> Exception:
    """What went wrong below dlt; else only its class, because dlt's texts can quote rows."""
    deepest: BaseException = error
    following: BaseException | None = error
    while following is not None:
        deepest = following
        if isinstance(deepest, MigrationError | duckdb.IOException | OSError):
            return deepest
        following = deepest.__cause__ or deepest.__context__
    return RuntimeError(f"landing stopped at step {error.step}: {type(deepest).__name__}")


def _busy(error: duckdb.IOException, path: Path) -> Exception:
    if "lock" not in str(error):
        return error
    return RetryLater(
        f"{path.name} is open in another program; close it (a query shell, dbt) and run again"
    )
