"""The target `ducklake`: the same tables as on the file, while others write and read."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from extract.landing import COLUMNS, Dataset, Warehouse, resource
from load.errors import ConfigError, RetryLater
from load.ledger import Ledger
from load.progress import Silent
from load.turns import Turns, turn
from load.warehouse import Lake, bind, connect, lake_of
from migrate import account, applying
from migrate.demo import PHASES
from migrate.forget import forget_person
from migrate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

ROOT = Path(__file__).resolve().parents[3]
RAW = "raw_alpine_iq"
READ_AT = (
    *("consent_checked_at__c", "total_spent_at__c"),
    *("loyalty_points_at__c", "loyalty_points_detail_at__c"),
)


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


def rows_of(
    connection: duckdb.DuckDBPyConnection, schema: str, *, but: Sequence[str] = ()
) -> dict[str, list[str]]:
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
                "select cast(to_json(each_row) as varchar) from (select columns(name -> "
                f"not list_contains(?, name)) from {schema}.{table}) as each_row",
                [list(but)],
            ).fetchall()
        )
        for (table,) in tables
    }


def landed(source: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """Every raw table of a warehouse, as the extraction hands them over."""
    names = source.execute(
        "select table_name from duckdb_tables() where schema_name = ?"
        " and table_name not like '\\_dlt%' escape '\\'",
        [RAW],
    ).fetchall()
    columns = "record_key, payload::varchar as payload, content_hash, request, fetched_at"
    return {
        name: source.execute(f"select {columns} from {RAW}.{name}").to_arrow_table().cast(COLUMNS)
        for (name,) in names
    }


def another_machine(lake_folder: Path, folder: Path) -> Path:
    """A data folder of its own that names the same lake."""
    lake = lake_of(lake_folder)
    folder.mkdir()
    bind(folder, "ducklake", lake)
    return folder


# lands a table again and again, each time with one row more, so often or until it is told to stop
LANDING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from extract.landing import Dataset, Warehouse, resource, table_of
folder, dataset, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
warehouse = Warehouse(folder, Dataset(dataset, dataset, 1))
keys = []
while len(keys) < times and not (folder / "stop").exists():
    began = time.time()
    keys.append(str(len(keys)))
    rows = table_of(keys, [b"{}"] * len(keys), keys, "/contacts", datetime.now(UTC))
    warehouse.land(resource("contacts", [rows], "replace"))
    print(began, time.time(), flush=True)
    time.sleep(float(sys.argv[4]))
"""


def landing(folder: Path, dataset: str, times: int, pause: int = 0) -> subprocess.Popen[str]:
    """A process that goes on landing into the folder's lake, with seconds of pause between."""
    command = [sys.executable, "-c", LANDING, str(folder), dataset, str(times), str(pause)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> list[tuple[float, float]]:
    """When each landing began and ended; the process must have ended well."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [tuple(map(float, line.split())) for line in said.splitlines()]


def rows_of_contacts(folder: Path, dataset: str) -> int:
    with closing(connect(folder / "warehouse.duckdb", read_only=True)) as lake:
        return lake.execute(
            f"select count(distinct record_key) from {dataset}.contacts"
        ).fetchone()[0]


def test_the_marts_are_those_of_the_file_though_another_process_lands_and_a_third_reads_meanwhile(
    on_the_lake, migrated, tmp_path
):
    file = migrated.data_dir / "warehouse.duckdb"
    with closing(duckdb.connect(str(file), read_only=True)) as source:
        expected = rows_of(source, "marts")
        tables = landed(source)
    Warehouse(on_the_lake, Dataset(RAW, "alpine_iq", 1)).land(
        *(resource(name, [table], "replace") for name, table in tables.items())
    )
    assert not (on_the_lake / "warehouse.duckdb").exists()

    elsewhere = another_machine(on_the_lake, tmp_path / "elsewhere")
    beside = landing(elsewhere, "raw_of_another", 1_000, pause=12)
    building = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "build"),
            *("--select", "+path:models/marts", "--exclude-resource-type", "unit_test", "test"),
            *("--target-path", str(on_the_lake / "target")),
            *("--log-path", str(on_the_lake / "logs")),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline, reads = time.monotonic() + 500, 0
    try:
        while building.poll() is None and time.monotonic() < deadline:
            with closing(connect(on_the_lake / "warehouse.duckdb", read_only=True)) as other:
                reads += other.execute(f"select count(*) from {RAW}.contacts").fetchone()[0] > 0
            time.sleep(1)
    finally:
        building.kill()
        (elsewhere / "stop").touch()
        times = ended(beside)
    said, _ = building.communicate()
    assert building.returncode == 0, said[-3000:]

    with closing(connect(on_the_lake / "warehouse.duckdb", read_only=True)) as lake:
        found = rows_of(lake, "marts")
    assert reads > 2
    assert len(times) > 1
    assert rows_of_contacts(elsewhere, "raw_of_another") == len(times)
    assert expected["mart_persons"]
    assert {name: rows for name, rows in expected.items() if rows != found.get(name)} == {}
    assert list((on_the_lake.parent / "lake").rglob("*.parquet"))


@pytest.mark.long
def test_two_extractions_land_into_one_lake_at_once_and_neither_loses_a_row(on_the_lake, tmp_path):
    folders = [another_machine(on_the_lake, tmp_path / name) for name in ("one", "two")]
    processes = [landing(folder, f"raw_{folder.name}", 2) for folder in folders]
    one, two = (ended(process) for process in processes)
    assert one[0][0] < two[-1][1]
    assert two[0][0] < one[-1][1]
    assert [rows_of_contacts(folder, f"raw_{folder.name}") for folder in folders] == [2, 2]


def test_a_writer_waits_for_its_turn_and_gives_up_with_a_word_to_whom_to_look_for(on_the_lake):
    lake = lake_of(on_the_lake)
    with turn(on_the_lake / "warehouse.duckdb"):
        impatient = Turns(lake, patience="200ms")
        with pytest.raises(RetryLater, match="another process has been writing into the lake"):
            impatient.take()
    impatient.take()
    impatient.close()


def test_the_turn_of_a_process_that_dies_goes_to_the_next(on_the_lake):
    code = (
        "import os, sys; from pathlib import Path; from load.turns import turn\n"
        "with turn(Path(sys.argv[1]) / 'warehouse.duckdb'): os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(on_the_lake)]
    killed = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -9
    following = Turns(lake_of(on_the_lake), patience="10s")
    following.take()
    following.close()


# takes the ledger of a folder for a run, says so, and keeps it until it is told to end
SENDING = """
import sys
from pathlib import Path
from load.ledger import Ledger
with Ledger.open(Path(sys.argv[1]) / "ledger.sqlite", None) as ledger, ledger.exclusive():
    print("sends", flush=True)
    sys.stdin.readline()
"""


def test_one_machine_at_a_time_sends_though_each_has_a_ledger_of_its_own(on_the_lake, tmp_path):
    elsewhere = another_machine(on_the_lake, tmp_path / "elsewhere")
    command = [sys.executable, "-c", SENDING, str(on_the_lake)]
    with (
        Ledger.open(elsewhere / "ledger.sqlite", None) as ours,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as sender,
    ):
        try:
            assert sender.stdout.readline() == "sends\n"
            with (
                pytest.raises(RetryLater, match="another machine that shares this lake"),
                ours.exclusive(),
            ):
                pytest.fail("two machines send")
            # its tables may be written meanwhile
            with turn(elsewhere / "warehouse.duckdb", patience="10s"):
                pass
        finally:
            sender.kill()
            sender.wait(timeout=60)
        # PostgreSQL notices within moments that a session's process is gone
        until = time.monotonic() + 60
        while True:
            try:
                with ours.exclusive():
                    break
            except RetryLater:
                assert time.monotonic() < until
                time.sleep(0.2)


def test_a_folder_whose_tables_lie_in_a_lake_is_not_taken_for_one_with_a_file(tmp_path):
    lake = Lake("postgresql://nobody@127.0.0.1:1/none", str(tmp_path / "files"))
    bind(tmp_path, "ducklake", lake)
    assert lake_of(tmp_path) == lake
    with pytest.raises(ConfigError, match="AIQ2PD_TARGET says duckdb"):
        bind(tmp_path, "duckdb", None)
    with pytest.raises(ConfigError, match="belongs to another warehouse"):
        bind(tmp_path, "ducklake", Lake(lake.catalog, "elsewhere"))


def test_nobody_is_told_that_a_person_is_erased_while_a_lake_holds_them(data_dir):
    data_dir.mkdir(mode=0o700)
    bind(data_dir, "ducklake", Lake("postgresql://nobody@127.0.0.1:1/none", str(data_dir)))
    with pytest.raises(ConfigError, match="nothing was erased"):
        forget_person(Settings(AIQ2PD_DATA_DIR=data_dir), Silent(), key="aiq:contact:1")


def test_a_catalog_that_does_not_answer_is_said_without_its_address(tmp_path):
    bind(tmp_path, "ducklake", Lake("postgresql://me:word@127.0.0.1:1/none", str(tmp_path)))
    with pytest.raises(ConfigError, match="is PostgreSQL running") as failure:
        connect(tmp_path / "warehouse.duckdb")
    assert "word" not in str(failure.value)


@pytest.mark.long
def test_a_whole_migration_works_on_the_lake_and_ends_as_on_the_file(
    on_the_lake, migrated, tmp_path, monkeypatch
):
    from sandbox import process

    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(on_the_lake))
    info = process.up(on_the_lake / "sandbox", personas=40, seed=7, window_scale=600)
    try:
        settings = account.on_sandbox(info)
        outcomes = {name: phase(settings, Silent()) for name, phase in PHASES}
        again = applying.apply_plan(settings, Silent())
    finally:
        process.down(on_the_lake / "sandbox")
    assert outcomes["verify"].exit_code == 0
    assert outcomes["apply"].exit_code in {0, 3}
    assert again.exit_code in {0, 3}
    assert not (on_the_lake / "warehouse.duckdb").exists()
    # the same account as on the file, from servers of its own: what crosses is the same, but for
    # the times at which it was read
    with closing(duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True)) as db:
        expected = rows_of(db, "marts", but=READ_AT)
    with closing(connect(on_the_lake / "warehouse.duckdb", read_only=True)) as lake:
        found = rows_of(lake, "marts", but=READ_AT)
    assert {name: len(rows) for name, rows in expected.items()}["mart_persons"] > 20
    assert {name: rows for name, rows in expected.items() if rows != found.get(name)} == {}
