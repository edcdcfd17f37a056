"""A bundle opens elsewhere as what was sealed, and the copy that was sealed writes no more."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from load.errors import ConfigError
from load.ledger import Ledger
from load.progress import Silent
from migrate import bundles, handover, places
from migrate.settings import read
from migrate.steps import open_ledger

KEY = "a passphrase that is long enough"
FILES = ("plans/0123/manifest.json", "steps/apply.json", "ledger.key")


@pytest.fixture
def running(data_dir, monkeypatch):
    """A data folder with a ledger, a plan, a step file and a key."""
    monkeypatch.setenv(bundles.KEY_VARIABLE, KEY)
    for name in FILES:
        file = data_dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {name}")
    with Ledger.open(data_dir / "ledger.sqlite", "key") as ledger:
        ledger.event("something", {"records": 3})
        with ledger.transaction() as db:
            db.execute(
                "insert into id_map (entity, source_key, state, updated_at)"
                " values ('person', 'aiq:contact:1', 'quarantined', '2026-01-01T00:00:00Z')"
            )
    return data_dir


def sealed(running, tmp_path):
    file = tmp_path / "bundle.aiq2pd"
    return file, handover.seal(Silent(), file=file)


def elsewhere(monkeypatch, tmp_path):
    folder = tmp_path / "elsewhere"
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(folder))
    return folder


def test_what_was_sealed_opens_elsewhere_with_its_open_ends(running, tmp_path, monkeypatch):
    file, outcome = sealed(running, tmp_path)
    assert file.stat().st_mode & 0o077 == 0
    assert outcome.tables[0].rows == (("person: quarantined", 1),)
    folder = elsewhere(monkeypatch, tmp_path)
    opened = handover.unseal(Silent(), file=file)
    assert opened.tables[0].rows == outcome.tables[0].rows
    for name in FILES:
        assert (folder / name).read_text() == f"content of {name}"
        assert (folder / name).stat().st_mode & 0o077 == 0
    assert (folder / "handover" / "decisions" / "policies.csv").is_file()
    with Ledger.open(folder / "ledger.sqlite", "key") as ledger:
        assert ledger.check_events() == 1


def test_nothing_of_it_stands_in_the_file_in_the_clear(running, tmp_path):
    file, _ = sealed(running, tmp_path)
    content = file.read_bytes()
    assert b"SQLite format" not in content
    assert b"content of" not in content
    assert b"aiq:contact" not in content


def test_the_sealed_copy_is_read_only_until_it_is_opened_again(running, tmp_path):
    file, _ = sealed(running, tmp_path)
    with pytest.raises(ConfigError, match="handed over"):
        open_ledger(read())
    with pytest.raises(ConfigError, match="handed over"):
        handover.seal(Silent(), file=tmp_path / "second")
    with closing(sqlite3.connect(running / "ledger.sqlite")) as db:
        assert db.execute("select count(*) from id_map").fetchone() == (1,)
    handover.unseal(Silent(), file=file)
    open_ledger(read()).close()


def test_a_folder_with_a_ledger_of_its_own_is_left_alone(running, tmp_path, monkeypatch):
    file, _ = sealed(running, tmp_path)
    folder = elsewhere(monkeypatch, tmp_path)
    Ledger.open(folder / "ledger.sqlite", "key").close()
    with pytest.raises(ConfigError, match="ledger of its own"):
        handover.unseal(Silent(), file=file)


@pytest.mark.parametrize("harm", ["cut", "flipped", "another key", "another file"])
def test_a_bundle_that_is_not_whole_opens_not_at_all(running, tmp_path, monkeypatch, harm):
    file, _ = sealed(running, tmp_path)
    content = file.read_bytes()
    folder = elsewhere(monkeypatch, tmp_path)
    if harm == "cut":
        file.write_bytes(content[:-1])
    elif harm == "flipped":
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif harm == "another file":
        file.write_bytes(b"PK" + content)
    else:
        monkeypatch.setenv(bundles.KEY_VARIABLE, "a passphrase of somebody else")
    with pytest.raises(ConfigError):
        handover.unseal(Silent(), file=file)
    assert not (folder / "ledger.sqlite").exists()


def test_pieces_can_neither_be_dropped_nor_swapped(monkeypatch):
    monkeypatch.setattr(bundles, "PIECE", 4)
    head, *pieces = bundles.encrypted(b"abcdefghij", KEY)
    assert bundles.decrypted(head + b"".join(pieces), KEY) == b"abcdefghij"
    for wrong in (pieces[:-1], pieces[1:], [pieces[1], pieces[0], pieces[2]]):
        with pytest.raises(ConfigError):
            bundles.decrypted(head + b"".join(wrong), KEY)


def test_without_a_long_key_nothing_is_sealed(running, tmp_path, monkeypatch):
    monkeypatch.setenv(bundles.KEY_VARIABLE, "short")
    with pytest.raises(ConfigError, match="16 characters"):
        handover.seal(Silent(), file=tmp_path / "bundle")
    assert not places.here().sealed.exists()


def test_each_run_leaves_a_backup_off_the_machine_or_does_not_start(running, tmp_path, monkeypatch):
    away = tmp_path / "away"
    monkeypatch.setenv("AIQ2PD_BACKUP_DIR", str(away))
    with open_ledger(read()) as ledger:
        ledger.start_run("apply", plan_digest="p", code_version="1")
    (copy,) = away.glob("*.sqlite")
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("select count(*) from id_map").fetchone() == (1,)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("AIQ2PD_BACKUP_DIR", str(tmp_path / "a file" / "below"))
    with open_ledger(read()) as ledger, pytest.raises(ConfigError, match="AIQ2PD_BACKUP_DIR"):
        ledger.start_run("apply", plan_digest="p", code_version="1")
