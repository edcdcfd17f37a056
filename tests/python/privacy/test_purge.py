"""`aiq2pd purge`: what it takes is gone from the disk, what it keeps can still be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from load.errors import ConfigError, RetryLater
from load.ledger import Ledger
from load.plan import latest_plan
from load.progress import Silent
from migrate import bundles, handover
from migrate.purge import Choice, purge
from tests.python.privacy.conftest import places_with, someone

ALL = Choice(everything=True)
NOTHING_LEFT = Choice(everything=True, ledger=True)
DAY = 86_400


def before_image(where, captured_at: str) -> None:
    with closing(sqlite3.connect(where.ledger)) as ledger:
        (attempt,) = ledger.execute("select min(attempt_id) from attempts").fetchone()
        ledger.execute(
            "insert into before_images values (?, 'person', 1, ?, cast(? as blob), ?)",
            (attempt, captured_at, f"sealed {captured_at}", captured_at),
        )
        ledger.commit()


def images(where) -> list[str]:
    with closing(sqlite3.connect(where.ledger)) as ledger:
        return [row[0] for row in ledger.execute("select column_name from before_images")]


@pytest.mark.parametrize(
    ("older_than", "everything", "ledger"),
    [("", False, False), ("30d", True, False), ("30d", False, True), ("30", False, False)],
)
def test_a_choice_that_makes_no_sense_is_refused(older_than, everything, ledger):
    with pytest.raises(ConfigError):
        Choice.of(older_than=older_than, everything=everything, ledger=ledger)


def test_all_leaves_no_personal_value_and_an_undo_still_finds_what_was_made(copy_of):
    where = copy_of()
    who = someone(where)
    before_image(where, "2026-01-01T00:00:00.000000Z")
    dry = purge(Silent(), where=where, choice=ALL, dry_run=True)
    assert "nothing was purged" in dry.headline
    assert "warehouse.duckdb" in places_with(where.data, who.email)
    questions: list[str] = []

    def declined(question: str) -> bool:
        questions.append(question)
        return False

    purge(Silent(), where=where, choice=ALL, ask=declined)
    assert "warehouse.duckdb" in places_with(where.data, who.email)
    assert len(questions) == 1
    purge(Silent(), where=where, choice=ALL, ask=lambda _question: True)
    assert places_with(where.data, who.email, who.phone, "sealed 2026") == []
    assert places_with(where.data, who.contact_id) == ["ledger.sqlite"]
    with Ledger.open(where.ledger, None) as ledger:
        assert ledger.check_events() > 0
        kept = "select count(*) from id_map where state = 'confirmed'"
        assert ledger.db.execute(kept).fetchone()[0] > 100
    plan = latest_plan(where.plans)
    assert plan is not None
    assert len(plan.fields()) > 50
    assert list(plan.rows("person", 100)) == []


def test_all_with_the_ledger_leaves_nothing_but_the_times_of_our_calls(copy_of):
    where = copy_of()
    who = someone(where)
    purge(Silent(), where=where, choice=NOTHING_LEFT)
    assert places_with(where.data, who.email, who.contact_id, who.phone) == []
    left = {file.name for file in where.data.rglob("*") if file.is_file()}
    assert left <= {
        "alpine_iq_calls.sqlite",
        "alpine_iq_calls.sqlite-wal",
        "alpine_iq_calls.sqlite-shm",
        "alpine_iq.lock",
    }


def test_records_in_doubt_keep_their_ledger(copy_of):
    where = copy_of()
    with closing(sqlite3.connect(where.ledger)) as ledger:
        ledger.execute("update id_map set state = 'ambiguous' where entity = 'note'")
        ledger.commit()
    with pytest.raises(ConfigError, match="in doubt"):
        purge(Silent(), where=where, choice=NOTHING_LEFT)
    assert where.warehouse.is_file()


def test_old_things_go_and_what_a_running_migration_needs_stays(copy_of):
    where = copy_of()
    old = where.plans / "0123456789abcdef"
    old.mkdir()
    (old / "plan_persons.parquet").write_bytes(b"old")
    inbox = where.data / "inbox"
    inbox.mkdir()
    for name, age in (("old.csv", 40), ("new.csv", 1)):
        (inbox / name).write_text("x")
        then = time.time() - age * DAY
        os.utime(inbox / name, (then, then))
    then = time.time() - 40 * DAY
    os.utime(old / "plan_persons.parquet", (then, then))
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    before_image(where, "2026-01-01T00:00:00.000000Z")
    before_image(where, now)
    purge(Silent(), where=where, choice=Choice(older_than_hours=30 * 24))
    assert not old.exists()
    assert [file.name for file in inbox.iterdir()] == ["new.csv"]
    assert images(where) == [now]
    assert where.warehouse.is_file()
    assert latest_plan(where.plans) is not None


def test_nothing_is_purged_under_a_running_command(copy_of):
    where = copy_of()
    with (
        Ledger.open(where.ledger, None) as ledger,
        ledger.exclusive(),
        pytest.raises(RetryLater, match="another run"),
    ):
        purge(Silent(), where=where, choice=ALL)
    assert where.warehouse.is_file()


def test_copies_elsewhere_go_with_the_rest_and_what_is_out_of_reach_is_listed(
    copy_of, monkeypatch, tmp_path
):
    where, away = copy_of(), tmp_path / "away"
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(where.data))
    monkeypatch.setenv(bundles.KEY_VARIABLE, "a passphrase that is long enough")
    away.mkdir()
    shutil.copy(where.ledger, away / "ours.sqlite")
    with Ledger.open(away / "others.sqlite", None) as other:
        other.bind(company_id=1, company_domain="other", source_account="other")
    (away / "torn.sqlite").write_bytes(b"no ledger")
    bundle = tmp_path / "bundle.aiq2pd"
    handover.seal(Silent(), file=bundle)
    sealed = purge(Silent(), where=where, choice=ALL, backup_dir=away, dry_run=True)
    assert str(bundle) in dict(sealed.tables[1].rows), "the only copy that is alive"
    where.sealed.unlink()
    bundles.note(where, tmp_path / "lost.aiq2pd")
    young = purge(Silent(), where=where, choice=Choice(older_than_hours=1), backup_dir=away)
    assert (bundle.is_file(), (away / "ours.sqlite").is_file()) == (True, True)
    assert young.exit_code == 3
    done = purge(Silent(), where=where, choice=ALL, backup_dir=away)
    assert sorted(file.name for file in away.glob("*.sqlite")) == ["others.sqlite", "torn.sqlite"]
    assert not list(away.glob("ours*"))
    assert not bundle.exists()
    assert done.exit_code == 3
    listed = dict(done.tables[1].rows)
    assert listed.keys() == {str(away / "torn.sqlite"), str(tmp_path / "lost.aiq2pd")}
    gone = purge(Silent(), where=where, choice=ALL, backup_dir=tmp_path / "unmounted", dry_run=True)
    assert str(tmp_path / "unmounted") in dict(gone.tables[1].rows)
