"""A small migrated account, copied many times: alike in marts, ledger and Pipedrive.

    multiply(data_dir, 100_000)  # the servers must be down: their file is written to
    ...                          # build the plan over the copies
    settle(data_dir)

Only what hangs on a person is copied, and only what the ledger has confirmed. Each copy has keys,
ids and e-mail addresses of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

STRIDE = 10_000_000  # between the ids of one copy and the next
COPIED = ("person", "deal", "deal_product", "note")

# mart -> its columns that hold a key which differs from copy to copy
MARTS = {
    "person": ("source_key", "migration_key__c"),
    "deal": ("source_key", "migration_key__c", "person__source_key"),
    "deal_product": ("source_key", "deal__source_key"),
    "note": ("source_key", "deal__source_key"),
}
# nobody shares an address with a copy
OWN_EMAILS = (
    "list_transform(emails, lambda one: struct_pack(value := 'x' || k || '.' || one.value,"
    ' "primary" := one."primary", label := one.label)) as emails'
)
TEXTS = {"deal_product": "comments", "note": "content"}
PARENTS = {
    "person": (),
    "deal": ("person_id",),
    "deal_product": ("deal_id",),
    "note": ("deal_id",),
}


def multiply(data_dir: Path, size: int) -> int:
    """Copies of all confirmed records that hang on a person, in all three places."""
    with closing(sqlite3.connect(data_dir / "ledger.sqlite")) as ledger:
        (persons,) = ledger.execute(
            "select count(*) from id_map where entity = 'person' and state = 'confirmed'"
        ).fetchone()
        copies = max(1, -(-size // persons)) - 1
        _copy_ledger(ledger, copies)
    _copy_marts(data_dir / "warehouse.duckdb", copies)
    _copy_records(data_dir, copies)
    return int(copies + 1)


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
            if entity == "person":
                replaced.append(OWN_EMAILS)
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
    entity: str, columns: list[str], rows: list[tuple[Any, ...]], keys: dict[int, str], copies: int
) -> Iterator[tuple[Any, ...]]:
    shifted = [columns.index(name) for name in ("id", *PARENTS[entity])]
    doc_at = columns.index("doc")
    for row in rows:
        key = keys.get(row[0])
        if key is None:
            continue
        doc = json.loads(row[doc_at])
        emails = doc.get("emails", [])
        for copy in range(1, copies + 1):
            for name in ("id", *PARENTS[entity]):
                doc[name] = row[columns.index(name)] + copy * STRIDE
            if entity == "person":
                doc["emails"] = [{**one, "value": f"x{copy}.{one['value']}"} for one in emails]
            text = json.dumps(doc, separators=(",", ":"))
            text = text.replace(f'"{key}"', f'"{key}x{copy}"')
            text = text.replace(f"[{key}]", f"[{key}x{copy}]")
            new = [v + copy * STRIDE if at in shifted else v for at, v in enumerate(row)]
            new[doc_at] = text.encode()
            yield tuple(new)


def settle(data_dir: Path) -> None:
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
