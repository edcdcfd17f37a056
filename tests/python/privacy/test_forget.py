"""`aiq2pd forget`: one person gone from every place, everybody else as before."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from contextlib import closing
from dataclasses import dataclass

import duckdb
import pyarrow.parquet as pq
import pytest

from load.errors import ConfigError
from load.forget.needles import Needles, holds
from load.ledger import Ledger
from load.plan import latest_plan, open_plan
from load.progress import Silent
from migrate import bundles, forget, handover, services, settings
from migrate.forget import tombstones, warehouse
from tests.python.privacy.conftest import Someone, places_with, someone


def settings_of(where, migrated, monkeypatch):
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(where.data))
    return settings.read(migrated.sandbox.environment())


def plant(where, who: Someone) -> None:
    """The person in places that a small clean migration leaves empty."""
    inbox = where.data / "inbox"
    inbox.mkdir()
    line = f'{who.contact_id},"{who.email}\nsecond line",x\r\n'
    (inbox / "personas-rp.csv").write_bytes(
        b"\xef\xbb\xbfcontact id,email,note\r\n" + f'1,"a,b",c\r\n{line}2,d,e\r\n'.encode()
    )
    attached = inbox / "files"
    attached.mkdir()
    for name in ("own.pdf", "shared.pdf", "others.pdf"):
        (attached / name).write_bytes(b"scan")
    (attached / "manifest.csv").write_text(
        f"file,contact_id,kind\nown.pdf,{who.contact_id},card\nshared.pdf,{who.contact_id},form\n"
        "shared.pdf,2,form\nothers.pdf,2,card\n"
    )
    (where.data / "logs").mkdir()
    (where.data / "logs" / "run.log").write_text(f"looked at {who.source_key}\n")
    with closing(sqlite3.connect(where.data / "alpine_iq_journal.sqlite")) as journal:
        body = zlib.compress(json.dumps({"email": who.email}).encode(), 1)
        journal.execute("insert into answers values ('/page', 1, 'r', 200, 0, ?)", (body,))
        journal.commit()
    with closing(sqlite3.connect(where.ledger)) as ledger:
        (attempt,) = ledger.execute(
            "select attempt_id from attempts where source_key = ?", (who.source_key,)
        ).fetchone()
        ledger.execute(
            "insert into before_images values (?, 'person', 1, 'name', x'00', '2026-01-01')",
            (attempt,),
        )
        ledger.commit()


def copies_elsewhere(where, patch):
    """A backup off the machine, a sealed bundle; a backup and a bundle that can't be opened."""
    patch.setenv(bundles.KEY_VARIABLE, "a passphrase that is long enough")
    away = where.data.parent / "away"
    away.mkdir()
    shutil.copy(where.ledger, away / "run.sqlite")
    (away / "torn.sqlite").write_bytes(b"SQLite format 3\0 and no more")
    handover.seal(Silent(), file=where.data.parent / "bundle.aiq2pd")
    where.sealed.unlink()  # as where it was opened
    bundles.note(where, where.data.parent / "lost.aiq2pd")
    return away


@dataclass
class Forgotten:
    where: object
    who: Someone
    before: list[str]
    between: list[str]
    others: dict[str, int]
    outcome: object


def others(where, who: Someone) -> dict[str, int]:
    """Rows of the raw tables that name other contacts and not this one."""
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        return {
            table: connection.execute(
                f"select count(*) from raw_alpine_iq.{table}"
                " where not contains(payload::varchar, ?)",
                [who.contact_id],
            ).fetchone()[0]
            for table in ("contacts", "contact_details", "contact_orders", "redemptions")
        }


@pytest.fixture(scope="module")
def forgotten(migrated, copy_of):
    where = copy_of()
    who = someone(where)
    plant(where, who)
    before, rest = places_with(where.data, who.contact_id, who.email), others(where, who)

    def killed(*_arguments):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        own = settings_of(where, migrated, patch)
        own = own.model_copy(update={"backup_dir": copies_elsewhere(where, patch)})
        with patch.context() as half_way:
            half_way.setattr(warehouse, "erase", killed)
            with pytest.raises(KeyboardInterrupt):
                forget.forget_person(own, Silent(), key=who.email)
        between = places_with(where.data, who.contact_id)
        assert (where.data / forget.UNDER_WAY).stat().st_mode & 0o077 == 0
        outcome = forget.forget_person(own, Silent(), key=who.email)
    return Forgotten(where, who, before, between, rest, outcome)


def test_the_person_was_in_every_kind_of_place_before(forgotten):
    folders = {place.split("/")[0] for place in forgotten.before}
    assert folders >= {
        "warehouse.duckdb",
        "ledger.sqlite",
        "ledger_backups",
        "plans",
        "inbox",
        "logs",
        "alpine_iq_journal.sqlite",
    }


def test_an_independent_search_of_bytes_rows_and_columns_finds_nothing_afterwards(forgotten):
    who = forgotten.who
    texts = (who.contact_id, who.email, who.order + "'", who.order + '"', who.order + "\x00")
    assert places_with(forgotten.where.data, *texts) == []
    with duckdb.connect(str(forgotten.where.warehouse), read_only=True) as connection:
        digits = connection.execute(
            "select count(*) from raw_alpine_iq.contacts where"
            " contains(regexp_replace(payload::varchar, '[^0-9]', '', 'g'), ?)",
            [who.phone],
        ).fetchone()
    assert digits == (0,)


def test_what_hung_on_the_persons_attempts_is_gone_and_the_event_chain_holds(forgotten):
    with Ledger.open(forgotten.where.ledger, None) as ledger:
        images = ledger.db.execute("select count(*) from before_images").fetchone()[0]
        assert images == 0
        assert ledger.check_events() > 0


def test_backups_off_the_machine_and_sealed_bundles_lose_the_person_too(
    forgotten, tmp_path, monkeypatch
):
    parent, who = forgotten.where.data.parent, forgotten.who
    (tmp_path / "away").mkdir()
    shutil.copy(parent / "away" / "run.sqlite", tmp_path / "away")
    assert places_with(tmp_path / "away", who.contact_id, who.email) == []
    key = "a passphrase that is long enough"
    monkeypatch.setenv(bundles.KEY_VARIABLE, key)
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(tmp_path / "opened"))
    handover.unseal(Silent(), file=parent / "bundle.aiq2pd")
    assert places_with(tmp_path / "opened", who.contact_id, who.email) == []
    with Ledger.open(tmp_path / "opened" / "ledger.sqlite", None) as ledger:
        assert ledger.check_events() > 0
        assert ledger.db.execute("select count(*) from id_map").fetchone()[0] > 100


def test_copies_that_do_not_open_are_listed_with_what_to_do(forgotten):
    parent = forgotten.where.data.parent
    (table,) = (one for one in forgotten.outcome.tables if one.title == forget.NOT_REACHED)
    listed = dict(table.rows)
    assert listed.keys() == {str(parent / "away" / "torn.sqlite"), str(parent / "lost.aiq2pd")}
    assert all("delete it" in what for what in listed.values())
    assert forgotten.outcome.exit_code == 3


def test_a_folder_that_was_handed_over_forgets_nobody_and_asks_nobody(
    forgotten, migrated, monkeypatch
):
    own = settings_of(forgotten.where, migrated, monkeypatch)
    forgotten.where.sealed.touch()
    try:
        with pytest.raises(ConfigError, match="handed over"):
            forget.forget_person(own, Silent(), key="aiq:contact:1234")
        with pytest.raises(ConfigError, match="handed over"):
            services.ask_pipedrive(own)
    finally:
        forgotten.where.sealed.unlink()


def test_everybody_else_is_as_before(forgotten):
    assert others(forgotten.where, forgotten.who) == forgotten.others
    plan = latest_plan(forgotten.where.plans)
    people = pq.read_table(plan.folder / "plan_persons.parquet")["source_key"].to_pylist()
    assert len(people) > 20
    assert forgotten.who.source_key not in people
    assert sum(plan.manifest["forgotten"].values()) > 1


def test_a_list_that_named_the_person_keeps_its_other_members(forgotten):
    with duckdb.connect(str(forgotten.where.warehouse), read_only=True) as connection:
        members = connection.execute(
            "select payload ->> 'members' from raw_alpine_iq.audience_members"
            " where contains(payload::varchar, 'forgotten')"
        ).fetchall()
    assert members
    assert all(len(json.loads(each)) > 1 for (each,) in members)


def test_other_lines_of_an_export_stay_byte_for_byte(forgotten):
    content = (forgotten.where.data / "inbox" / "personas-rp.csv").read_bytes()
    assert content == b'\xef\xbb\xbfcontact id,email,note\r\n1,"a,b",c\r\n2,d,e\r\n'


def test_files_of_this_person_alone_go_with_their_lines_of_the_manifest(forgotten):
    attached = forgotten.where.data / "inbox" / "files"
    assert sorted(each.name for each in attached.iterdir()) == [
        "manifest.csv", "others.pdf", "shared.pdf",
    ]  # fmt: skip
    lines = (attached / "manifest.csv").read_text().splitlines()
    assert lines == ["file,contact_id,kind", "shared.pdf,2,form", "others.pdf,2,card"]


def test_the_outcome_proves_itself_and_says_what_stays(forgotten):
    outcome = forgotten.outcome
    assert outcome.exit_code == 3  # the person is still in Pipedrive
    found = {table.title: table.rows for table in outcome.tables}
    assert found["Found by the same search afterwards"] == ()
    assert len(found["Erased"]) > 7
    shown = json.dumps(outcome.as_json())
    assert forgotten.who.email not in shown
    query = outcome.notes[-1].partition("prints): ")[2]
    with duckdb.connect(str(forgotten.where.warehouse), read_only=True) as connection:
        counts = [
            connection.execute(sql).fetchone()[1] for (sql,) in connection.execute(query).fetchall()
        ]
    assert len(counts) > 100
    assert set(counts) == {0}


def test_whom_a_later_extraction_brings_back_is_erased_again(forgotten, migrated, tmp_path):
    where, who = forgotten.where, forgotten.who
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute(f"attach '{migrated.data_dir}/warehouse.duckdb' as first (read_only)")
        for name in ("raw_alpine_iq.contacts", "raw_pipedrive.persons", "raw_pipedrive.deals"):
            connection.execute(f"create or replace table {name} as from first.{name}")
    assert "warehouse.duckdb" in places_with(where.data, who.contact_id)
    assert tombstones.erase_again(where.warehouse, where.ledger, where.plans) == 1
    assert places_with(where.data, who.contact_id, who.email) == []
    assert tombstones.erase_again(where.warehouse, where.ledger, where.plans) == 0


def test_a_killed_run_went_on_where_it_was(forgotten):
    """Killed before the warehouse: who is meant was written down, and is gone with the person."""
    assert forgotten.between == ["forgetting.json", "ledger.sqlite", "warehouse.duckdb"]
    assert not (forgotten.where.data / forget.UNDER_WAY).exists()


def test_a_dry_run_counts_and_erases_nothing(forgotten, migrated, monkeypatch):
    own = settings_of(forgotten.where, migrated, monkeypatch)
    other = someone(forgotten.where)
    assert other.contact_id != forgotten.who.contact_id
    looked = forget.forget_person(own, Silent(), key=other.source_key, dry_run=True)
    assert looked.exit_code == 0
    assert len(looked.tables[0].rows) > 7
    assert "ledger.sqlite" in places_with(forgotten.where.data, other.contact_id)


@pytest.mark.parametrize("key", ["", "aiq:order:R-1", "aiq:contact:", "aiq:contact:a' or 1=1", "%"])
def test_a_key_that_names_no_person_is_refused(forgotten, migrated, monkeypatch, key):
    own = settings_of(forgotten.where, migrated, monkeypatch)
    with pytest.raises(ConfigError):
        forget.forget_person(own, Silent(), key=key, dry_run=True)


def test_a_plan_whose_rows_were_taken_out_still_opens_and_one_that_was_changed_does_not(forgotten):
    plan = latest_plan(forgotten.where.plans)
    file = plan.folder / "plan_notes.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole + b"x")
    with pytest.raises(ConfigError, match="was changed after freezing"):
        open_plan(plan.folder)
    file.write_bytes(whole)
    assert open_plan(plan.folder).digest == plan.digest


@pytest.mark.parametrize(
    ("text", "content", "found"),
    [
        ("5035550100", b"+1 5035550100;", True),
        ("5035550100", b"15035550100", False),
        ("a@b.example", b'"A@B.EXAMPLE"', True),
        ("a@b.example", b"aa@b.example", False),
        ("aiq:line:R-1:1", b"aiq:line:R-1:11", False),
        ("aiq:line:R-1:1", b"aiq:line:R-1:1", True),
        ("(503) 555-0100", b"[(503) 555-0100]", True),
        ("x.y", b"x-y", False),
    ],
)
def test_a_text_is_found_whole_or_not_at_all(text, content, found):
    needles = Needles.of([text, ""])
    assert holds(needles.compiled(), content) is found
    assert holds(needles.compiled(), None, 5, zlib.compress(content)) is found
    with duckdb.connect() as connection:
        asked = connection.execute(
            "select regexp_matches(?, ?)", [content.decode(), needles.pattern()]
        ).fetchone()
    assert asked == (found,)
