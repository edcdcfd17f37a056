"""The warehouse as a connection: a DuckDB file, or a lake that several machines work in at once.

A lake is Parquet on shared storage with its catalog in PostgreSQL (DuckLake). Which of the two a
data folder uses is written down in it once (`lake.json`, no password: that is PGPASSWORD's or of
~/.pgpass), so that no command can take the one for the other. Everything else about the warehouse
is the same SQL. Raises `ConfigError` when the folder and the target disagree, when the packages
with the extensions are missing, and when the catalog can't be reached.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb
import stamina

from load.errors import ConfigError

LAKE_TARGET: Final = "ducklake"
FILE_TARGET: Final = "duckdb"
NAME: Final = "lake"
EXTENSIONS: Final = ("postgres_scanner", "ducklake")
_NOTE: Final = "lake.json"
PATIENCE: Final = 10.0
logging.getLogger("stamina").setLevel(logging.ERROR)  # waiting for a moment is no event


@dataclass(frozen=True, slots=True)
class Lake:
    """`catalog` is an address such as postgresql://user@host:5432/database; `files` a folder or
    bucket that every machine reaches under the same name."""

    catalog: str
    files: str


def bind(folder: Path, target: str, lake: Lake | None) -> None:
    """Write down what kind of warehouse the folder has; refuse another one than before."""
    known = lake_of(folder)
    if target == LAKE_TARGET:
        if lake is None:
            raise ConfigError(
                "AIQ2PD_TARGET=ducklake needs AIQ2PD_LAKE_CATALOG and AIQ2PD_LAKE_FILES: see "
                "docs/targets.md"
            )
        if known not in (None, lake) or (folder / "warehouse.duckdb").exists():
            raise ConfigError(
                f"{folder.name} belongs to another warehouse than AIQ2PD_LAKE_CATALOG and "
                "AIQ2PD_LAKE_FILES name: choose another data folder with AIQ2PD_DATA_DIR"
            )
        file = folder / _NOTE
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(lake)), encoding="utf-8")
    elif known is not None:
        raise ConfigError(
            f"the tables of {folder.name} lie in a lake, AIQ2PD_TARGET says {target}: set "
            "AIQ2PD_TARGET=ducklake, or choose another data folder with AIQ2PD_DATA_DIR"
        )


def lake_of(folder: Path) -> Lake | None:
    """The lake of a data folder; None when its warehouse is a file."""
    note = folder / _NOTE
    return Lake(**json.loads(note.read_text(encoding="utf-8"))) if note.is_file() else None


def is_there(file: Path) -> bool:
    """Whether there is anything to connect to."""
    return file.is_file() or lake_of(file.parent) is not None


def connect(file: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The warehouse of the folder in which `file` is or would be.

    Who only reads waits `PATIENCE` seconds for a writer, such as a running load that publishes its
    ledger for a moment; after that, and at once for writers, `duckdb.IOException`.
    """
    lake = lake_of(file.parent)
    if lake is None:
        return _opened_to_read(file) if read_only else duckdb.connect(str(file))
    connection = duckdb.connect()
    try:
        attach(connection, lake, read_only=read_only)
    except duckdb.Error as error:
        connection.close()
        raise cant_be_opened(error) from None
    return connection


def cant_be_opened(error: duckdb.Error) -> ConfigError:
    """What to say instead of the error's own text: that names the address and what stands in it."""
    return ConfigError(
        f"the lake's catalog can't be opened ({type(error).__name__}): is PostgreSQL running, "
        "and are AIQ2PD_LAKE_CATALOG, PGPASSWORD and AIQ2PD_LAKE_FILES right?"
    )


def _is_locked(error: Exception) -> bool:
    return isinstance(error, duckdb.IOException) and "lock on file" in str(error)


@stamina.retry(on=_is_locked, attempts=None, timeout=PATIENCE, wait_initial=0.05, wait_max=0.5)
def _opened_to_read(file: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(file), read_only=True)


def attach(connection: duckdb.DuckDBPyConnection, lake: Lake, *, read_only: bool = False) -> None:
    """Make the lake the connection's default database."""
    for name in EXTENSIONS:
        connection.execute(f"load '{extension_file(name)}'")
    # writers take turns (load.turns); a commit that DuckLake retries may go wrong in silence
    connection.execute("set ducklake_max_retry_count = 0")
    mode = ", read_only" if read_only else ""
    connection.execute(
        f"attach 'ducklake:postgres:{_quoted(lake.catalog)}' as {NAME} "
        f"(data_path '{_quoted(lake.files)}', metadata_schema '{NAME}'{mode})"
    )
    connection.execute(f"use {NAME}")


def extension_file(name: str) -> Path:
    """The file of a DuckDB extension in its Python package: nothing is downloaded."""
    package = find_spec(f"duckdb_extension_{name}")
    if package is None or not package.submodule_search_locations:
        raise ConfigError(
            f"the target ducklake needs the package duckdb-extension-{name.replace('_', '-')} of "
            "DuckDB's own version: pip install it, or install this project with its extra ducklake"
        )
    return next(Path(package.submodule_search_locations[0]).rglob("*.duckdb_extension"))


def _quoted(text: str) -> str:
    return text.replace("'", "''")
