"""The target `ducklake`: the same tables as on the file; other processes read while one builds."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from extract.landing import COLUMNS, Dataset, Warehouse, resource
from load.errors import ConfigError
from load.progress import Silent
from load.warehouse import Lake, bind, connect, lake_of
from migrate import account, steps
from migrate.demo import PHASES

ROOT = Path(__file__).resolve().parents[3]
RAW = "raw_alpine_iq"


@pytest.fixture
def on_the_lake(catalog, tmp_path, monkeypatch) -> Path:
    """A data folder whose tables lie in a lake."""
    folder = tmp_path / "data"
    monkeypatch.setenv("AIQ2PD_TARGET", "ducklake")
    monkeypatch.setenv("AIQ2PD_LAKE_CATALOG", catalog)
    monkeypatch.setenv("AIQ2PD_LAKE_FILES", str(tmp_path / "lake"))
    folder.mkdir()
    _empty(catalog, tmp_path)
    bind(folder, "ducklake", Lake(catalog, str(tmp_path / "lake")))
    return folder


def _empty(catalog: str, tmp_path: Path) -> None:
    """Nothing of an earlier test: the catalog keeps its schema in `lake`."""
    from load.warehouse import extension_file

    with closing(duckdb.connect()) as connection:
        connection.execute(f"load '{extension_file('postgres_scanner')}'")
        connection.execute(f"attach '{catalog}' as catalog (type postgres)")
        connection.execute("drop schema if exists catalog.lake cascade")


def rows_of(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[str]]:
    """Every table's rows as text, sorted: what must be equal byte for byte."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? "
        "and database_name = current_database() order by 1",
        [schema],
    ).fetchall()
    return {
        table: sorted(
            row
            for (row,) in connection.execute(
                f"select cast(to_json(each_row) as varchar) from {schema}.{table} as each_row"
            ).fetchall()
        )
        for (table,) in tables
    }


def test_the_same_landed_account_gives_the_same_marts_on_the_lake_while_others_read(
    on_the_lake, migrated
):
    file = migrated.data_dir / "warehouse.duckdb"
    with closing(duckdb.connect(str(file), read_only=True)) as source:
        expected = rows_of(source, "marts")
        tables = [
            name
            for (name,) in source.execute(
                "select table_name from duckdb_tables() where schema_name = ?"
                " and table_name not like '\\_dlt%' escape '\\'",
                [RAW],
            ).fetchall()
        ]
        landed = [
            resource(
                table,
                [
                    source.execute(
                        f"select record_key, payload::varchar as payload, content_hash, request,"
                        f" fetched_at from {RAW}.{table}"
                    )
                    .to_arrow_table()
                    .cast(COLUMNS)
                ],
                "replace",
            )
            for table in tables
        ]
        Warehouse(on_the_lake, Dataset(RAW, "alpine_iq", 1)).land(*landed)
    assert not (on_the_lake / "warehouse.duckdb").exists()

    building = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "build"),
            *("--select", "+path:models/marts", "--indirect-selection", "cautious"),
            *("--exclude-resource-type", "unit_test"),
            *("--target-path", str(on_the_lake / "target")),
            *("--log-path", str(on_the_lake / "logs")),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    beside = 0
    while building.poll() is None:
        with closing(connect(on_the_lake / "warehouse.duckdb", read_only=True)) as other:
            beside += other.execute(f"select count(*) from {RAW}.contacts").fetchone()[0] > 0
        time.sleep(1)
    said, _ = building.communicate()
    assert building.returncode == 0, said[-3000:]

    with closing(connect(on_the_lake / "warehouse.duckdb", read_only=True)) as lake:
        found = rows_of(lake, "marts")
    assert beside > 2
    assert expected["mart_persons"]
    assert {name: rows for name, rows in expected.items() if rows != found.get(name)} == {}
    assert list((on_the_lake.parent / "lake").rglob("*.parquet"))


def test_a_folder_whose_tables_lie_in_a_lake_is_not_taken_for_one_with_a_file(tmp_path):
    lake = Lake("postgresql://nobody@127.0.0.1:1/none", str(tmp_path / "files"))
    bind(tmp_path, "ducklake", lake)
    assert lake_of(tmp_path) == lake
    with pytest.raises(ConfigError, match="AIQ2PD_TARGET says duckdb"):
        bind(tmp_path, "duckdb", None)
    with pytest.raises(ConfigError, match="belongs to another warehouse"):
        bind(tmp_path, "ducklake", Lake(lake.catalog, "elsewhere"))


def test_a_catalog_that_does_not_answer_is_said_without_its_address(tmp_path):
    bind(tmp_path, "ducklake", Lake("postgresql://me:word@127.0.0.1:1/none", str(tmp_path)))
    with pytest.raises(ConfigError, match="is PostgreSQL running") as failure:
        connect(tmp_path / "warehouse.duckdb")
    assert "word" not in str(failure.value)


@pytest.mark.long
def test_a_whole_migration_works_on_the_lake_and_ends_as_on_the_file(
    on_the_lake, tmp_path, monkeypatch
):
    from sandbox import process

    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(on_the_lake))
    info = process.up(on_the_lake / "sandbox", personas=40, seed=7, window_scale=600)
    try:
        settings = account.on_sandbox(info)
        outcomes = {name: phase(settings, Silent()) for name, phase in PHASES}
        again = steps.apply_plan(settings, Silent())
    finally:
        process.down(on_the_lake / "sandbox")
    assert outcomes["verify"].exit_code == 0
    assert outcomes["apply"].exit_code in {0, 3}
    assert again.exit_code in {0, 3}
    assert not (on_the_lake / "warehouse.duckdb").exists()
