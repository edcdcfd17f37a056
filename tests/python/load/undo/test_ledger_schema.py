"""A ledger of an earlier version is taken over with everything in it."""

from __future__ import annotations

import re
import sqlite3
from importlib.resources import files

import pytest

from load.ledger import Ledger


def schema_of(version):
    """The tables as they were."""
    schema = files("load.ledger").joinpath("schema.sql").read_text()
    schema = re.sub(r"    guard text check [^\n]*\n", "", schema)
    schema = re.sub(r"create index if not exists journal_guards [^\n]*\n", "", schema)
    if version < 3:
        schema = schema.replace("sent_hashes text", "field_hashes text")
    if version < 2:
        schema = schema.replace("'removing',", "")
    assert "guard = 'due'" not in schema
    return f"{schema} pragma user_version = {version};"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_ledger_opens_with_its_records_and_takes_what_is_new(tmp_path, version):
    path = tmp_path / "ledger.sqlite"
    old = sqlite3.connect(path)
    old.executescript(schema_of(version))
    old.execute(
        "insert into id_map (entity, source_key, state, pipedrive_id, updated_at)"
        " values ('person', 'k1', 'confirmed', 7, '2026-01-01T00:00:00Z')"
    )
    old.commit()
    old.close()
    for _ in range(2):
        with Ledger.open(path, "key") as ledger, ledger.transaction() as db:
            assert db.execute("select pipedrive_id from id_map").fetchall()[0][0] == 7
            db.execute("update id_map set state = 'removing'")
            assert db.execute("select count(*) from quarantine").fetchone()[0] == 0
            names = {row[0] for row in db.execute("select name from sqlite_master")}
            assert {"id_map_by_state", "id_map_by_key", "id_map_by_target"} <= names
            assert "id_map_before" not in names
            assert db.execute("select count(sent_hashes) from attempts").fetchone()[0] == 0
            assert db.execute("select count(guard) from journal").fetchone()[0] == 0
            assert "journal_guards" in names
