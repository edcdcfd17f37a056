"""A full verify at one size: `python -m bench.verification --size 100000`."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from bench.rows import Row, main
from sandbox import process

PERSONAS = 300
STRIDE = 10_000_000  # between the ids of one copy and the next
COPIED = ("person", "deal", "deal_product", "note")
AIQ2PD = str(Path(sys.executable).with_name("aiq2pd"))

# mart -> its columns that hold a key which differs from copy to copy
MARTS = {
    "person": ("source_key", "migration_key__c"),
    "deal": ("source_key", "migration_key__c", "person__source_key"),
    "deal_product": ("source_key", "deal__source_key"),
    "note": ("source_key", "deal__source_key"),
}
TEXTS = {"deal_product": "comments", "note": "content"}
PARENTS = {
    "person": (),
    "deal": ("person_id",),
    "deal_product": ("deal_id",),
    "note": ("deal_id",),
}


def measure(size: int) -> Iterator[Row]:
    """`aiq2pd verify`, read-back over HTTP included, of an account that a migration of 300
    personas filled and that was then multiplied in bulk, alike in marts, ledger and Pipedrive
    (the sandbox), up to the size in persons. Every field of every record is compared; all rate
    windows run 600 times faster than real ones. The baseline is DuckDB reading the plan and the
    destination's values once."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        environment = {**os.environ, "AIQ2PD_DATA_DIR": str(data_dir)}
        _call(environment, "demo", "--acts", "1", "--personas", str(PERSONAS))
        copies = _multiply(data_dir, size)
        info = process.up(
            data_dir / "sandbox", personas=PERSONAS, seed=7, window_scale=600, plan="ultimate"
        )
        try:
            environment |= info.environment()
            _call(environment, "verify", "--no-read-back", may_fail=True)
            _settle(data_dir)
            seconds, processor, memory = _measured(environment)
        finally:
            process.down(data_dir / "sandbox")
        yield from _result(data_dir, copies)
        yield Row("verify, read-back included", seconds, "s", "read once", _read_once(data_dir))
        yield Row("the same, processor time", processor, "s")
        yield Row("the same, peak memory of the process", memory, "MiB")


def _call(environment: dict[str, str], *arguments: str, may_fail: bool = False) -> None:
    subprocess.run(
        [AIQ2PD, *arguments], env=environment, check=not may_fail, stdout=subprocess.DEVNULL
    )


def _measured(environment: dict[str, str]) -> tuple[float, float, float]:
    """Wall and processor seconds and peak MiB of one verify."""
    began = time.perf_counter()
    child = subprocess.Popen([AIQ2PD, "verify"], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"verify ended with {child.returncode}: the copies are not alike")
    wall = time.perf_counter() - began
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _multiply(data_dir: Path, size: int) -> int:
    """Copies of all confirmed records that hang on a person, in all three places."""
    with closing(sqlite3.connect(data_dir / "ledger.sqlite")) as ledger:
        (persons,) = ledger.execute(
            "select count(*) from id_map where entity = 'person' and state = 'confirmed'"
        ).fetchone()
        copies = max(1, -(-size // persons)) - 1
        _copy_ledger(ledger, copies)
    _copy_marts(data_dir / "warehouse.duckdb", copies)
    _copy_records(data_dir, copies)
    return copies + 1


def _copy_ledger(ledger: sqlite3.Connection, copies: int) -> None:
    columns = [row[1] for row in ledger.execute("pragma table_info(id_map)")]
    changed = {
        "source_key": "source_key || 'x' || k",
        "pipedrive_id": f"pipedrive_id + k * {STRIDE}",
        "deal_id": f"deal_id + k * {STRIDE}",
    }
    ledger.execute(
        f"""
        with recursive copy (k) as (
            select 1 where {copies} > 0 union all select k + 1 from copy where k < {copies}
        )
        insert into id_map ({", ".join(columns)})
        select {", ".join(changed.get(column, column) for column in columns)}
        from id_map cross join copy
        where state = 'confirmed' and entity in {COPIED}
        """
    )
    ledger.commit()


def _copy_marts(file: Path, copies: int) -> None:
    with duckdb.connect(str(file)) as warehouse:
        for entity, keys in MARTS.items():
            replaced = [f"{key} || 'x' || k as {key}" for key in keys]
            if text := TEXTS.get(entity):
                replaced.append(
                    f"replace({text}, '[' || source_key || ']', '[' || source_key || 'x' || k"
                    f" || ']') as {text}"
                )
            warehouse.execute(
                f"""
                insert into marts.mart_{entity}s
                select mart.* replace ({", ".join(replaced)})
                from marts.mart_{entity}s as mart
                cross join (select unnest(range(1, {copies + 1})) as k) as copy
                where source_key in (
                    select source_key from ledger.id_map
                    where entity = '{entity}' and state = 'confirmed'
                )
                """
            )


def _copy_records(data_dir: Path, copies: int) -> None:
    """The servers are down: their file is written to directly."""
    with closing(sqlite3.connect(data_dir / "ledger.sqlite")) as ledger:
        keys = {
            entity: dict(
                ledger.execute(
                    "select pipedrive_id, source_key from id_map where entity = ?"
                    f" and state = 'confirmed' and pipedrive_id < {STRIDE}",
                    (entity,),
                ).fetchall()
            )
            for entity in COPIED
        }
    with closing(sqlite3.connect(data_dir / "sandbox" / "pipedrive.sqlite")) as there:
        for entity in COPIED:
            columns = [row[1] for row in there.execute(f"pragma table_info({entity})")]
            rows = there.execute(f"select * from {entity} where deleted is null").fetchall()
            there.executemany(
                f"insert into {entity} values ({', '.join('?' * len(columns))})",
                _copied(entity, columns, rows, keys[entity], copies),
            )
        there.commit()


def _copied(
    entity: str, columns: list[str], rows: list[tuple], keys: dict[int, str], copies: int
) -> Iterator[tuple]:
    shifted = [columns.index(name) for name in ("id", *PARENTS[entity])]
    doc_at = columns.index("doc")
    for row in rows:
        key = keys.get(row[0])
        if key is None:
            continue
        doc = json.loads(row[doc_at])
        for copy in range(1, copies + 1):
            for name in ("id", *PARENTS[entity]):
                doc[name] = row[columns.index(name)] + copy * STRIDE
            text = json.dumps(doc, separators=(",", ":"))
            text = text.replace(f'"{key}"', f'"{key}x{copy}"')
            text = text.replace(f"[{key}]", f"[{key}x{copy}]")
            new = [v + copy * STRIDE if at in shifted else v for at, v in enumerate(row)]
            new[doc_at] = text.encode()
            yield tuple(new)


def _settle(data_dir: Path) -> None:
    """The ledger remembers what the copies' rows hash to, as if it had sent them."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        hashes = warehouse.execute(
            "select new_hash, field_hashes::varchar, entity, source_key from plan.plan_records "
            f"where entity in {COPIED} and new_hash is not null"
        ).fetchall()
    with closing(sqlite3.connect(data_dir / "ledger.sqlite")) as ledger:
        ledger.executemany(
            "update id_map set payload_hash = ?, field_hashes = ?"
            " where entity = ? and source_key = ?",
            hashes,
        )
        ledger.commit()


def _result(data_dir: Path, copies: int) -> Iterator[Row]:
    """What was compared, and that all of it was found alike."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        counts = warehouse.execute(
            "select entity, in_destination from reconciliation.rec_counts order by phase"
        ).fetchall()
        (values,) = warehouse.execute(
            "select sum(record_count)::bigint from reconciliation.rec_field_comparison"
        ).fetchone() or (0,)
    yield Row("copies of the migrated account", copies, "")
    for entity, count in counts:
        yield Row(f"{entity.replace('_', ' ')}s compared", count, "records")
    yield Row("values compared", values, "values")


def _read_once(data_dir: Path) -> float:
    """Seconds that DuckDB takes to read both sides of the comparison once."""
    began = time.perf_counter()
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute("select bit_xor(hash(payload)) from plan.plan_records").fetchall()
        warehouse.execute(
            "select bit_xor(hash(value)) from plan.plan_destination_values"
        ).fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(measure)
