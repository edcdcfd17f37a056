"""Copies of the migrated account's data folder, and an eye that looks into every kind of file."""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from migrate.places import Places


@dataclass(frozen=True)
class Someone:
    """A person of the migrated account, with values that nobody else has."""

    contact_id: str
    source_key: str
    email: str
    phone: str
    order: str


def copied(migrated: Any, folder: Path) -> Places:
    shutil.copytree(
        migrated.data_dir, folder / "data", ignore=shutil.ignore_patterns("sandbox", "dbt")
    )
    return Places(folder / "data")


def someone(where: Places) -> Someone:
    """Who has orders, and an e-mail address and a phone of their own."""
    with duckdb.connect(str(where.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "with values_of as (select source_key, lower(emails[1].value) as email,"
            " right(regexp_replace(phones[1].value, '\\D', '', 'g'), 10) as phone"
            " from marts.mart_persons), counted as (select *,"
            " count(*) over (partition by phone) as holders from values_of)"
            " select counted.source_key, email, phone, max(mart_deals.source_key) from counted"
            " join marts.mart_deals on mart_deals.person__source_key = counted.source_key"
            " where email is not null and phone is not null and holders = 1"
            " group by all order by count(*) desc, 1"
        ).fetchall()
        for key, email, phone, order in rows:
            contact_id = key.rpartition(":")[2]
            alike = warehouse.execute(
                "select count(*) from raw_alpine_iq.contacts where record_key <> ? and"
                " (contains(lower(payload::varchar), ?) or"
                " contains(regexp_replace(payload::varchar, '[^0-9]', '', 'g'), ?))",
                [contact_id, email, phone],
            ).fetchone()
            if alike == (0,):
                return Someone(contact_id, key, email, phone, order)
    raise AssertionError("nobody in this account has values of their own")


def places_with(data: Path, *texts: str) -> list[str]:
    """Files whose bytes, packed parts, rows or columns hold one of the texts."""
    wanted = [text.encode() for text in texts]
    return sorted(
        {
            str(file.relative_to(data))
            for file in data.rglob("*")
            if file.is_file() and "sandbox" not in file.parts
            for part in _parts(file)
            if any(text in part for text in wanted)
        }
    )


def _parts(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    yield content.lower()
    if file.suffix == ".parquet":
        for row in pq.read_table(file).to_pylist():
            yield repr(row).lower().encode()
    if file.suffix == ".duckdb":
        with duckdb.connect(str(file), read_only=True) as warehouse:
            for schema, table in warehouse.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall():
                for row in warehouse.execute(f'select * from "{schema}"."{table}"').fetchall():
                    yield repr(row).lower().encode()
    if file.suffix == ".sqlite":
        connection = sqlite3.connect(file)
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'"):
            for row in connection.execute(f'select * from "{table}"').fetchall():
                yield repr(row).lower().encode()
                yield from (_unpacked(cell) for cell in row if isinstance(cell, bytes))
        connection.close()


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompress(content).lower()
    except zlib.error:
        return b""


@pytest.fixture(scope="module")
def copy_of(migrated, tmp_path_factory):
    """A new copy of the data folder each time it is called."""
    return lambda: copied(migrated, tmp_path_factory.mktemp("copy"))
