"""A ledger from before undo was built is taken over with everything in it."""

from __future__ import annotations

import sqlite3
from importlib.resources import files

from load.ledger import Ledger


def test_a_ledger_of_schema_1_opens_with_its_records_and_takes_the_new_state(tmp_path):
    path = tmp_path / "ledger.sqlite"
    schema = files("load.ledger").joinpath("schema.sql").read_text().replace("'removing',", "")
    schema = schema.replace("sent_hashes text", "field_hashes text")
    old = sqlite3.connect(path)
    old.executescript(schema + "pragma user_version = 1;")
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
