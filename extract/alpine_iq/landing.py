"""Into the warehouse: Arrow batches of untouched payloads, one dlt load package per slice.

Every raw table has the same columns (`SCHEMA`). Lists that are read as a whole replace their table
in one transaction; what arrives contact by contact is upserted by `record_key`. A row counts once
its load id stands in `_dlt_loads` with status 0.

dlt works in a private folder, keeps nothing of what it loaded and phones nobody. Raises
`RetryLater` when somebody else has the warehouse open; errors of the reader pass unwrapped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import dlt
import duckdb
import pyarrow as pa
from dlt.pipeline.exceptions import PipelineStepFailed

from extract.alpine_iq.records import Record
from load.errors import MigrationError, RetryLater

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource

DATASET: Final = "raw_alpine_iq"
SCHEMA: Final = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
_BATCH: Final = 5_000
_CHECKPOINT: Final = "1GB"
_UPSERT: Final = {"disposition": "merge", "strategy": "upsert"}
_HINTS: Final = {
    "record_key": {"data_type": "text", "nullable": False, "primary_key": True},
    "payload": {"data_type": "json", "nullable": False},
}
_SETTINGS: Final = {
    "runtime.dlthub_telemetry": False,
    "load.delete_completed_jobs": True,
    "load.truncate_staging_dataset": True,
    "load.raise_on_failed_jobs": True,
    "load.workers": 4,
    "normalize.workers": 1,
    "normalize.parquet_normalizer.add_dlt_load_id": True,
    "destination.duckdb.replace_strategy": "insert-from-staging",
}


def table_of(records: Sequence[Record]) -> pa.Table:
    """Records as Arrow, payload text untouched."""
    columns = [
        pa.array([each.record_key for each in records], pa.string()),
        pa.array([each.payload for each in records], pa.string()),
        pa.array([each.content_hash for each in records], pa.string()),
        pa.array([each.request for each in records], pa.string()),
        pa.array([each.fetched_at for each in records], SCHEMA.field("fetched_at").type),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def resource(
    name: str, records: Iterable[Sequence[Record]], *, replaces: bool = False
) -> DltResource:
    """One raw table as a dlt resource. Without any record the table is still made."""
    return dlt.resource(
        _batches(records),
        name=name,
        write_disposition="replace" if replaces else _UPSERT,
        columns=_HINTS,
    )


@dlt.source(name="alpine_iq")  # type: ignore[untyped-decorator]
def source(*resources: DltResource) -> Sequence[DltResource]:
    """Resources that land together, in one load package."""
    return resources


class Warehouse:
    """The raw tables of one DuckDB file, and the dlt pipeline that fills them."""

    def __init__(self, path: Path, pipelines_dir: Path) -> None:
        self._path = path
        for key, value in _SETTINGS.items():
            dlt.config[key] = value
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        with self._open():
            pass  # fails now rather than after the first calls
        self._pipeline = dlt.pipeline(
            "alpine_iq",
            pipelines_dir=str(pipelines_dir),
            destination=dlt.destinations.duckdb(str(path)),
            dataset_name=DATASET,
        )
        self._drain()

    def land(self, package: DltSource) -> None:
        """One committed load package. One connection spans it, so that there is one checkpoint."""
        try:
            with self._open():
                self._pipeline.run(package)
        except PipelineStepFailed as error:
            self._pipeline.abort_packages()
            raise _cause(error) from None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query over the raw tables; none when its tables do not exist yet."""
        if not self._path.exists():
            return []
        try:
            with closing(duckdb.connect(str(self._path), read_only=True)) as connection:
                return connection.execute(sql, parameters).fetchall()
        except duckdb.CatalogException:
            return []
        except duckdb.IOException as error:
            raise _busy(error, self._path) from None

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            connection = duckdb.connect(str(self._path))
        except duckdb.IOException as error:
            raise _busy(error, self._path) from None
        with closing(connection):
            connection.execute(f"SET GLOBAL checkpoint_threshold = '{_CHECKPOINT}'")
            yield

    def _drain(self) -> None:
        """Packages of a run that was killed are loaded first; what cannot be is read again."""
        if not self._pipeline.has_pending_data:
            return
        try:
            self._pipeline.normalize()
            self._pipeline.load()
        except PipelineStepFailed:
            self._pipeline.abort_packages()


def _batches(records: Iterable[Sequence[Record]]) -> Iterator[pa.Table]:
    yield SCHEMA.empty_table()
    for group in records:
        for first in range(0, len(group), _BATCH):
            yield table_of(group[first : first + _BATCH])


def _cause(error: PipelineStepFailed) -> Exception:
    """The error of ours that dlt wrapped; else its kind alone, as its text can quote payloads."""
    seen: BaseException | None = error
    innermost: BaseException = error
    while seen is not None:
        if isinstance(seen, (MigrationError, duckdb.IOException, OSError)):
            return seen
        innermost = seen
        seen = seen.__cause__ or seen.__context__
    return RuntimeError(f"landing stopped at step {error.step}: {type(innermost).__name__}")


def _busy(error: duckdb.IOException, path: Path) -> Exception:
    if "lock" not in str(error):
        return error
    return RetryLater(
        f"{path.name} is open in another program; close it (a query shell, dbt) and run again"
    )
