"""Copies the ledger into the warehouse, where SQL and people query it.

One repeatable transaction: a crash in the middle leaves the former copy. Somebody who has the
warehouse open delays publishing and never the load: then `publish` returns False.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from load.errors import RetryLater
from load.ledger.store import Ledger
from load.turns import turn
from load.warehouse import connect

_BATCH: Final = 20_000
_PATIENCE: Final = "5s"  # a load does not stand still for a lake's other writers

# table -> columns with their type in the warehouse, in the order dbt expects them
_PUBLISHED: Final[dict[str, dict[str, str]]] = {
    "id_map": {
        "entity": "varchar", "source_key": "varchar", "state": "varchar", "pipedrive_id": "bigint",
        "payload_hash": "varchar", "field_hashes": "json", "origin": "varchar",
        "plan_digest": "varchar", "run_id": "varchar", "attempts": "integer",
        "reason_code": "varchar", "reason": "varchar", "updated_at": "timestamptz",
    },
    "attempts": {
        "attempt_id": "bigint", "run_id": "varchar", "entity": "varchar", "source_key": "varchar",
        "verb": "varchar", "endpoint": "varchar", "payload_hash": "varchar",
        "intent_at": "timestamptz", "outcome": "varchar", "http_status": "integer",
        "pipedrive_id": "bigint", "tokens": "integer", "finished_at": "timestamptz",
    },
    "journal": {
        "attempt_id": "bigint", "entity": "varchar", "source_key": "varchar",
        "pipedrive_id": "bigint", "column_name": "varchar", "hash_before": "varchar",
        "hash_sent": "varchar",
    },
    "extras": {
        "entity": "varchar", "pipedrive_id": "bigint", "source_key": "varchar", "why": "varchar",
        "action": "varchar",
    },
    "events": {
        "seq": "bigint", "at": "timestamptz", "run_id": "varchar", "what": "varchar",
        "detail": "varchar", "prev_hash": "varchar", "hash": "varchar",
    },
    "field_codes": {
        "entity": "varchar", "column_name": "varchar", "field_code": "varchar",
        "field_name": "varchar", "field_type": "varchar", "created_by_run": "varchar",
        "state": "varchar",
    },
    "option_ids": {
        "entity": "varchar", "column_name": "varchar", "option_label": "varchar",
        "option_id": "bigint", "created_by_run": "varchar",
    },
    "runs": {
        "run_id": "varchar", "kind": "varchar", "plan_digest": "varchar", "code_version": "varchar",
        "started_at": "timestamptz", "ended_at": "timestamptz", "exit_reason": "varchar",
        "tokens_spent": "bigint", "calls": "bigint", "writes": "bigint",
    },
    "token_use": {
        "day": "date", "run_id": "varchar", "entity": "varchar", "endpoint": "varchar",
        "calls": "bigint", "tokens": "bigint",
    },
    "binding": {
        "company_id": "bigint", "company_domain": "varchar", "source_account": "varchar",
        "ledger_id": "varchar", "schema_version": "integer", "created_at": "timestamptz",
    },
}  # fmt: skip


def publish(ledger: Ledger, warehouse: Path) -> bool:
    """Puts the ledger's tables into the warehouse's `ledger` schema. False if it is in use."""
    try:
        with turn(warehouse, patience=_PATIENCE):
            return _published(ledger, warehouse)
    except RetryLater:
        return False


def _published(ledger: Ledger, warehouse: Path) -> bool:
    try:
        connection = connect(warehouse)
    except duckdb.IOException:
        return False
    try:
        if warehouse.is_file():
            warehouse.chmod(0o600)
        connection.execute("set timezone = 'UTC'")
        connection.execute("begin")
        connection.execute("create schema if not exists ledger")
        with _one_view_of(ledger):
            for table, columns in _PUBLISHED.items():
                _copy(ledger, connection, table, columns)
        connection.execute("commit")
    except (duckdb.IOException, duckdb.TransactionException):
        return False
    finally:
        connection.close()
    return True


@contextmanager
def _one_view_of(ledger: Ledger) -> Iterator[None]:
    """All tables as of the same moment."""
    ledger.db.execute("begin")
    try:
        yield
    finally:
        ledger.db.execute("rollback")


def _copy(
    ledger: Ledger, connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]
) -> None:
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    casts = ", ".join(f'cast("{name}" as {kind})' for name, kind in columns.items())
    connection.execute(f"create or replace table ledger.{table} ({declared})")
    for batch in _batches(ledger, table, tuple(columns)):
        connection.register("batch_of_rows", batch)
        connection.execute(f"insert into ledger.{table} select {casts} from batch_of_rows")
        connection.unregister("batch_of_rows")


def _batches(ledger: Ledger, table: str, names: tuple[str, ...]) -> Iterator[pa.Table]:
    cursor = ledger.db.execute(f"select {', '.join(names)} from {table}")
    schema = pa.schema([(name, pa.string()) for name in names])
    while rows := cursor.fetchmany(_BATCH):
        texts = [[None if value is None else str(value) for value in row] for row in rows]
        columns = [list(column) for column in zip(*texts, strict=True)]
        yield pa.table(dict(zip(names, columns, strict=True)), schema=schema)
