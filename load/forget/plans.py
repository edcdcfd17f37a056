"""Frozen plans without the rows of a subject: written anew beside the old, then put in its place.

A plan keeps its name and its other rows, so that a load which was under way goes on with it. The
manifest says how many rows were taken out of which file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from load.forget.needles import Needles
from load.plan import CONTENTS_TABLE, ENTITY_TABLES, file_hash, write_manifest

HOLDS: Final = "regexp_matches(to_json(frozen)::varchar, $pattern)"


def count(plans_dir: Path, needles: Needles) -> int:
    """Rows of all frozen plans that hold a text of the subject."""
    with duckdb.connect() as connection:
        return sum(_count(connection, file, needles) for file in _files(plans_dir))


def erase(plans_dir: Path, needles: Needles) -> int:
    """Takes these rows out of every plan, finished or not."""
    erased = 0
    with duckdb.connect() as connection:
        for file in _files(plans_dir):
            if _count(connection, file, needles):
                rows = _replaced(connection, file, f"not {HOLDS}", {"pattern": needles.pattern()})
                _noted(file, rows)
                erased += rows
    return erased


def _files(plans_dir: Path) -> Iterator[Path]:
    yield from sorted(plans_dir.glob("*/*.parquet"))


def _count(connection: duckdb.DuckDBPyConnection, file: Path, needles: Needles) -> int:
    found = connection.execute(
        f"select count(*) from read_parquet($file) as frozen where {HOLDS}",
        {"file": str(file), "pattern": needles.pattern()},
    ).fetchone()
    return int(found[0]) if found else 0


def _replaced(
    connection: duckdb.DuckDBPyConnection, file: Path, kept: str, values: dict[str, str]
) -> int:
    """Writes the file anew with the rows that meet a condition; says how many did not."""
    draft = file.with_name(f".{file.name}.draft")
    os.close(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    place = str(draft).replace("'", "''")
    source = "from read_parquet($file) as frozen"
    found = connection.execute(f"select count(*) {source}", {"file": str(file)}).fetchone()
    connection.execute(
        f"create or replace temp table kept as select * {source} where {kept}",
        {"file": str(file), **values},
    )
    left = connection.execute(f"copy kept to '{place}' (format parquet)").fetchone()
    connection.execute("drop table kept")
    draft.chmod(0o600)
    draft.replace(file)
    return int(found[0]) - int(left[0]) if found and left else 0


def _noted(file: Path, erased: int) -> None:
    manifest_file = file.parent / "manifest.json"
    if not manifest_file.exists():
        return  # a plan that was never finished; it is opened by nobody
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    manifest["files"][file.name] = file_hash(file)
    taken = manifest.setdefault("forgotten", {})
    taken[file.name] = taken.get(file.name, 0) + erased
    write_manifest(file.parent, manifest)


def empty(folder: Path) -> None:
    """Leaves a plan its fields, options and stages, which an undo goes by, and no record."""
    with duckdb.connect() as connection:
        for table in (*ENTITY_TABLES.values(), CONTENTS_TABLE):
            file = folder / f"{table}.parquet"
            if file.exists():
                rows = _replaced(connection, file, "false", {})
                if rows:
                    _noted(file, rows)
