"""One person's rows in the warehouse: counted, erased, and gone from the file's bytes.

A row of the raw tables that is about the person is deleted; a list that merely names them (the
members of an audience) keeps its other members. Tables that dbt builds, and the published copy of
the ledger, lose every row that holds one of the texts: the next build makes them anew. DuckDB
leaves deleted rows in free blocks, so the file is copied table by table and the copy takes its
place.

Raises `RetryLater` when another program has the warehouse open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb

from load.errors import RetryLater
from load.forget.needles import Needles
from migrate.forget.subject import Subject

FORGOTTEN: Final = "forgotten"
# the member of a raw payload that says whose it is
OWNERS: Final = ("contactID", "cntID")
HOLDS: Final = "regexp_matches(to_json(kept)::varchar, $pattern)"


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Every table of the file, as schema and name."""
    return connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where not internal and not temporary and database_name = current_database() order by all"
    ).fetchall()


def count(connection: duckdb.DuckDBPyConnection, needles: Needles) -> dict[str, int]:
    """Rows that hold one of the texts, by schema."""
    found: dict[str, int] = {}
    for schema, table in tables(connection):
        row = connection.execute(
            f'select count(*) from "{schema}"."{table}" as kept where {HOLDS}',
            {"pattern": needles.pattern()},
        ).fetchone()
        found[schema] = found.get(schema, 0) + (int(row[0]) if row else 0)
    return {schema: rows for schema, rows in found.items() if rows}


def proof(needles: Needles) -> str:
    """A query that anybody can run in a DuckDB shell: SQL that counts every table's rows."""
    pattern = needles.pattern().replace("'", "''")
    return (
        "select 'select ''' || schema_name || '.' || table_name || ''' as place, count(*) as rows "
        "from ' || schema_name || '.' || table_name || ' as kept where regexp_matches("
        f"to_json(kept)::varchar, ''{pattern.replace(chr(39), chr(39) * 2)}'');' "
        "from duckdb_tables() where not internal"
    )


def erase(warehouse: Path, subject: Subject, ids: Mapping[str, Sequence[int]]) -> int:
    """Erases the person and rewrites the file. `ids` are their records in Pipedrive, by entity."""
    with opened(warehouse) as connection:
        connection.execute("begin")
        erased = sum(
            _from_raw(connection, schema, table, subject, ids)
            if schema.startswith("raw_")
            else _delete(connection, schema, table, HOLDS, {"pattern": subject.all().pattern()})
            for schema, table in tables(connection)
        )
        connection.execute("commit")
    if erased:
        rewrite(warehouse)
    return erased


def _from_raw(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    subject: Subject,
    ids: Mapping[str, Sequence[int]],
) -> int:
    if table.startswith("_dlt"):
        return 0
    if schema.startswith("raw_pipedrive"):
        return _delete(
            connection, schema, table, f"{HOLDS} or {_hangs_on(table)}",
            {
                "pattern": subject.all().pattern(),
                "people": list(ids.get("person", ())), "deals": list(ids.get("deal", ())),
            },
        )  # fmt: skip
    owned = " or ".join(f"(payload ->> '{name}') = any($ids)" for name in OWNERS)
    deleted = _delete(
        connection, schema, table, f"record_key = any($ids) or {owned}",
        {"ids": list(subject.contact_ids)},
    )  # fmt: skip
    return deleted + _name_no_more(connection, schema, table, subject)


def _hangs_on(table: str) -> str:
    """A read-back record that belongs to the person without naming them."""
    own = {"persons": "$people", "deals": "$deals"}.get(table)
    by_id = f"try_cast(payload ->> 'id' as bigint) = any({own}) or " if own else ""
    return (
        f"{by_id}try_cast(payload ->> 'person_id' as bigint) = any($people)"
        " or try_cast(payload ->> 'deal_id' as bigint) = any($deals)"
    )


def _delete(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    condition: str,
    values: Mapping[str, object],
) -> int:
    used = {name: value for name, value in values.items() if f"${name}" in condition}
    row = connection.execute(
        f'delete from "{schema}"."{table}" as kept where {condition}', used
    ).fetchone()
    return int(row[0]) if row else 0


def _name_no_more(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, subject: Subject
) -> int:
    """Other records that name the person keep everything but the name."""
    values = {"pattern": subject.all().pattern()}
    found = connection.execute(
        f'select record_key, payload::varchar, request from "{schema}"."{table}" as kept'
        f" where {HOLDS}",
        values,
    ).fetchall()
    sought = subject.all().compiled()
    for record_key, payload, request in found:
        new = [
            sought.sub(FORGOTTEN.encode(), text.encode()).decode() for text in (payload, request)
        ]
        connection.execute(
            f'update "{schema}"."{table}" set payload = ?, request = ? where record_key = ?',
            [*new, record_key],
        )
    return len(found)


def rewrite(warehouse: Path) -> None:
    """Copies every table and view into a new file, which takes the old one's place."""
    fresh = warehouse.with_name(f".{warehouse.name}.rewritten")
    fresh.unlink(missing_ok=True)
    # by an empty name: the file that DuckDB opens must not exist, and be private from the start
    before = os.umask(0o077)
    try:
        with opened(warehouse) as connection:
            connection.execute("checkpoint")
            place = str(fresh).replace("'", "''")
            (name,) = connection.execute("select current_database()").fetchone() or ("",)
            connection.execute(f"attach '{place}' as rewritten")
            connection.execute(f'copy from database "{name}" to rewritten')
            connection.execute("detach rewritten")
    finally:
        os.umask(before)
    fresh.chmod(0o600)
    fresh.replace(warehouse)
    warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, and nobody else in it."""
    try:
        connection = duckdb.connect(str(warehouse))
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        raise RetryLater(
            f"{warehouse.name} is open in another program; close it (a query shell, dbt) and run "
            "again"
        ) from None
    with closing(connection):
        yield connection


def ids_in_read_back(
    connection: duckdb.DuckDBPyConnection, subject: Subject
) -> dict[str, list[int]]:
    """Ids of the person's own record and deals, as the last read-back has them."""
    found: dict[str, list[int]] = {}
    people: list[int] = []
    for entity, table in (("person", "persons"), ("deal", "deals")):
        try:
            rows = connection.execute(
                f"select try_cast(payload ->> 'id' as bigint) from raw_pipedrive.{table} as kept"
                f" where {HOLDS} or try_cast(payload ->> 'person_id' as bigint) = any($people)",
                {"pattern": subject.ids().pattern(), "people": people},
            ).fetchall()
        except duckdb.CatalogException:
            return found
        found[entity] = [int(row[0]) for row in rows if row[0] is not None]
        people = found["person"]
    return found
