"""Into the warehouse with dlt: Arrow tables of untouched JSON text, one load package a read-back.

Every raw table has the columns of `COLUMNS` and is replaced as a whole, in a transaction at the end
of the load; `readbacks` grows by one row. Nothing is written before all of it was read, so a
read-back that stops half way changes nothing. dlt works in a private folder, keeps no finished jobs
and reports to nobody. Files are made for the owner alone.

Raises `RetryLater` when another program has the warehouse open; errors of the reader pass as they
are.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import dlt
import duckdb
import pyarrow as pa
from dlt.pipeline.exceptions import PipelineStepFailed

from extract.pipedrive.reader import Rows
from load.errors import MigrationError, RetryLater

DATASET: Final = "raw_pipedrive"
COLUMNS: Final = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
MEMORY: Final = "400MB"
_HINTS: Final = {
    "record_key": {"data_type": "text", "nullable": False, "primary_key": True},
    "payload": {"data_type": "json", "nullable": False},
}
_SETTINGS: Final[Mapping[str, object]] = {
    "runtime.dlthub_telemetry": False,
    "extract.next_item_mode": "fifo",  # lines are read after the deals that they belong to
    "normalize.workers": 1,
    "normalize.parquet_normalizer.add_dlt_load_id": True,
    "load.workers": 1,
    "load.raise_on_failed_jobs": True,
    "load.delete_completed_jobs": True,
    "load.truncate_staging_dataset": True,
    "destination.duckdb.replace_strategy": "insert-from-staging",
}


def as_arrow(rows: Rows, *, fetched_at: datetime) -> pa.Table:
    """Rows of one answer in the shape of a raw table."""
    hashes = [hashlib.sha256(row.payload).hexdigest() for row in rows]
    columns = [
        pa.array([row.record_key for row in rows], pa.string()),
        pa.array([row.payload for row in rows], pa.binary()).cast(pa.string()),
        pa.array(hashes, pa.string()),
        pa.array([row.request for row in rows], pa.string()),
        pa.array([fetched_at] * len(rows), COLUMNS.field("fetched_at").type),
    ]
    return pa.Table.from_arrays(columns, schema=COLUMNS)


def resource(name: str, tables: Iterator[pa.Table], *, grows: bool = False) -> Any:
    """A raw table as dlt sees it. It is made, or emptied, even if nothing comes."""

    def with_shape() -> Iterator[pa.Table]:
        yield COLUMNS.empty_table()
        yield from tables

    disposition = "append" if grows else "replace"
    return dlt.resource(with_shape, name=name, write_disposition=disposition, columns=_HINTS)


class Landing:
    """The dlt pipeline of one warehouse file."""

    def __init__(self, warehouse: Path, pipelines_dir: Path) -> None:
        self._warehouse = warehouse
        for key, value in _SETTINGS.items():
            dlt.config[key] = value
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        with private_files():
            pipelines_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._pipeline = dlt.pipeline(
                "pipedrive",
                pipelines_dir=str(pipelines_dir),
                destination=dlt.destinations.duckdb(str(warehouse)),
                dataset_name=DATASET,
            )

    def land(self, resources: list[Any]) -> None:
        """Reads all resources to disk, then loads them as one package."""

        @dlt.source(name="pipedrive")  # type: ignore[untyped-decorator]
        def source() -> list[Any]:
            return resources

        with private_files():
            self._writable()
            self._finish_interrupted()
            try:
                self._pipeline.extract(source())
                self._pipeline.normalize()
                self._load()
            except PipelineStepFailed as error:
                self._pipeline.abort_packages()
                raise _cause(error) from None

    def _load(self) -> None:
        # the connection stays open, so that these settings hold for dlt's own connections as well
        with self._connected() as connection:
            connection.execute(f"SET GLOBAL memory_limit = '{MEMORY}'")
            connection.execute("SET GLOBAL preserve_insertion_order = false")
            connection.execute("SET GLOBAL threads = 1")
            self._pipeline.load()

    def _finish_interrupted(self) -> None:
        """What a killed process had read is loaded, so that no table stays half replaced."""
        if not self._pipeline.has_pending_data:
            return
        try:
            self._pipeline.normalize()
            self._load()
        except PipelineStepFailed:
            self._pipeline.abort_packages()

    def _writable(self) -> None:
        with self._connected():
            pass

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = duckdb.connect(str(self._warehouse))
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
            raise RetryLater(
                f"{self._warehouse.name} is open in another program; close it (a query shell, dbt)"
                " and run again"
            ) from None
        try:
            yield connection
        finally:
            connection.close()


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
    return RuntimeError(f"the read-back stopped at step {error.step}: {type(deepest).__name__}")
