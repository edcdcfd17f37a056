"""The ledger's promises to itself, and frozen plans that stay what they were."""

from __future__ import annotations

import sqlite3
import time

import pytest

from load.errors import ConfigError, InvariantBroken, RetryLater
from load.ledger import Ledger, changes, doubts, records
from load.ledger.changes import JournalLine, UpdateIntent
from load.ledger.records import CreateIntent, Written
from load.plan import ENTITY_TABLES, latest_plan, open_plan
from load.sample import sample_of


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "data" / "ledger.sqlite", "key") as opened:
        opened.bind(company_id=1, company_domain="d", source_account="s")
        opened.start_run("apply", plan_digest="p", code_version="t")
        yield opened


def intend(ledger, *keys):
    intents = [CreateIntent(key, "h", {"name": "1"}) for key in keys]
    return records.intend_creates(ledger, "person", "/persons", intents, plan_digest="p")


def test_an_open_intent_is_doubtful_after_a_crash_and_a_poison_record_ends_in_quarantine(ledger):
    intend(ledger, "k")
    assert doubts.recover(ledger, settle_seconds=1) == (1, 0)
    assert records.fetch(ledger, ["k"])["k"].state == "ambiguous"
    for _ in range(doubts.RECOVERIES_LIMIT):
        intend(ledger, "k")
        doubts.recover(ledger, settle_seconds=1)
    assert records.fetch(ledger, ["k"])["k"].state == "quarantined"


def test_an_intent_is_durable_before_the_call_and_seen_by_other_readers(ledger):
    intend(ledger, "k")
    reader = sqlite3.connect(ledger.path)
    assert reader.execute("select state from id_map").fetchall() == [("intent",)]
    reader.close()


def test_a_failing_transaction_leaves_nothing_behind(ledger):
    def fails():
        with ledger.transaction():
            intend(ledger, "k")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert records.fetch(ledger, ["k"]) == {}


def test_a_before_image_opens_only_with_its_key_and_in_its_place(ledger):
    intent = UpdateIntent("k", 5, "h", [JournalLine("name", "Ann", "b", "s")])
    changes.intend_updates(ledger, "person", "/persons/{id}", [intent])
    sealed = ledger.db.execute("select value_encrypted from before_images").fetchone()[0]
    assert b"Ann" not in sealed
    context = changes.before_image_context("person", 5, "name")
    assert ledger.cipher.unseal(sealed, context=context) == "Ann"
    with Ledger.open(ledger.path, "wrong") as other, pytest.raises(ConfigError):
        other.cipher.unseal(sealed, context=context)
    with pytest.raises(ConfigError):
        ledger.cipher.unseal(sealed, context=changes.before_image_context("person", 6, "name"))


def test_an_update_without_a_key_stops_before_it_is_sent(tmp_path, ledger):
    with Ledger.open(ledger.path, None) as keyless:
        keyless.run_id = ledger.run_id
        intent = UpdateIntent("k", 5, "h", [JournalLine("name", "Ann", "b", "s")])
        with pytest.raises(ConfigError, match="AIQ2PD_LEDGER_KEY"):
            changes.intend_updates(keyless, "person", "/persons/{id}", [intent])
    assert ledger.db.execute("select count(*) from attempts").fetchone()[0] == 0


def test_an_event_changed_afterwards_is_noticed(ledger):
    assert ledger.check_events() == 2
    ledger.db.execute("update events set detail = '{}' where seq = 1")
    with pytest.raises(InvariantBroken):
        ledger.check_events()


@pytest.mark.parametrize("other", [{"company_id": 2}, {"source_account": "t"}])
def test_a_ledger_belongs_to_one_company_and_one_source(ledger, other):
    mine = {"company_id": 1, "company_domain": "d", "source_account": "s"}
    with pytest.raises(ConfigError):
        ledger.bind(**mine | other)


def test_tokens_are_counted_at_once_and_kept_over_a_restart(ledger):
    ledger.record("2026-01-01", "", "person", "POST /persons", 1, 5)
    assert ledger.spent_today("2026-01-01") == 5
    intend(ledger, "k")
    with Ledger.open(ledger.path, "key") as again:
        assert again.spent_today("2026-01-01") == 5


def test_a_record_costs_the_ledger_milliseconds_not_more(ledger):
    started, rounds = time.perf_counter(), 10
    for number in range(rounds):
        keys = [f"k{number}.{n}" for n in range(48)]
        for key, attempt in intend(ledger, *keys).items():
            with ledger.transaction():
                records.finish_attempt(ledger, attempt, "ok", http_status=200, pipedrive_id=attempt)
                written = Written(attempt, "h", {"name": "1"}, {"name": "2"})
                records.confirm(ledger, "person", key, written, plan_digest="p")
    per_record = (time.perf_counter() - started) / rounds / 48 * 1000
    assert per_record < 20


def test_the_same_content_freezes_to_the_same_digest_and_other_content_to_another(worlds, tmp_path):
    one = worlds.small().freeze(tmp_path)
    assert worlds.small().freeze(tmp_path).digest == one.digest
    other = worlds.small()
    other.payloads["person"]["aiq:contact:1"]["points__c"] = 5
    assert other.freeze(tmp_path).digest != one.digest
    assert latest_plan(tmp_path / "plans").digest != one.digest
    assert one.manifest["counts"]["person"] == {"create": 12}
    rows = [row for batch in one.rows("person", 5) for row in batch]
    assert [row.position for row in rows] == list(range(12))
    assert rows[1].payload["emails"][0]["value"] == "p1@example.com"


def test_the_newest_plan_is_the_one_frozen_last_even_if_its_rows_are_older(worlds, tmp_path):
    one = worlds.small().freeze(tmp_path)
    other = worlds.small(persons=3).freeze(tmp_path)
    assert latest_plan(tmp_path / "plans").digest == other.digest
    assert worlds.small().freeze(tmp_path).digest == one.digest
    # whoever copies or touches files does not change what is newest
    (other.folder / "manifest.json").touch()
    newest = latest_plan(tmp_path / "plans")
    assert newest.digest == one.digest
    assert newest.manifest["created_at"] > other.manifest["created_at"]


def test_a_plan_changed_after_freezing_or_half_written_is_refused(worlds, tmp_path):
    plan = worlds.small().freeze(tmp_path)
    path = plan.folder / "plan_persons.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ConfigError, match="changed after freezing"):
        open_plan(plan.folder)
    (plan.folder / "manifest.json").unlink()
    with pytest.raises(ConfigError, match="not a complete plan"):
        open_plan(plan.folder)
    assert latest_plan(tmp_path / "plans") is None


def test_a_second_run_waits_for_the_first(ledger):
    with ledger.exclusive(), Ledger.open(ledger.path, "key") as second:
        refused = second.exclusive()
        with pytest.raises(RetryLater, match="another run is active"):
            refused.__enter__()


def test_a_sample_holds_the_odd_records_with_their_families_and_is_the_same_each_time(
    worlds, tmp_path
):
    world = worlds.small(persons=40, deals=40)
    world.payloads["person"]["aiq:contact:7"] |= {"emails": None, "points__c": None}
    plan = world.freeze(tmp_path)
    sample = sample_of(plan, 6)
    only = sample.plan.only
    assert "aiq:contact:7" in only
    assert sample_of(plan, 6).plan.only == only
    sent = {
        row.source_key: row
        for entity in ENTITY_TABLES
        for rows in sample.plan.rows(entity, 100)
        for row in rows
    }
    assert only == sent.keys()
    assert len(sent) < 60
    stages = {key for row in sent.values() for key in row.parents if ":stage:" in key}
    assert {key for row in sent.values() for key in row.parents} <= sent.keys() | stages
    deals = {key for key in sent if key.startswith("aiq:order:")}
    lines = [
        key
        for key, payload in world.payloads["deal_product"].items()
        if payload["deal__source_key"] in deals
    ]
    assert set(lines) <= sent.keys()


def test_a_sample_of_many_shows_every_kind_of_record(worlds, tmp_path):
    sample = sample_of(worlds.small(persons=40, deals=40).freeze(tmp_path), 100)
    assert sample.kinds_shown == sample.kinds_there > 10
