"""The gates that people answer, and an apply that sleeps until there are new tokens."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from load.clock import RealClock
from load.errors import ConfigError
from load.progress import Silent
from migrate import applying, loading, refreshing, steps
from migrate.applying import Wish
from migrate.cli import app
from migrate.outcome import Outcome
from migrate.preflight import (
    ATTESTED,
    DECIDED,
    PROBED,
    STORES_CONFIRMED,
    attestation,
    decisions,
    facts_probed,
)
from migrate.settings import ALPINE_IQ, Attestation, Settings
from migrate.signing import SIGNED

TODAY = dt.date(2026, 11, 24)


def settings(*vouched: Attestation, url: str = "https://company.pipedrive.com"):
    return SimpleNamespace(
        attestations=vouched, pipedrive_base_url=url, order_strategy="archived_waves"
    )


def vouched(expires: str, name: str = ATTESTED) -> Attestation:
    return Attestation(name=name, by="Jo Example", expires=dt.date.fromisoformat(expires))


def test_automations_need_somebody_who_vouches_for_them_until_a_day_to_come():
    assert attestation(settings(), TODAY).state == "red"
    assert attestation(settings(vouched("2026-11-23")), TODAY).state == "red"
    assert "2026-11-23" in attestation(settings(vouched("2026-11-23")), TODAY).why
    assert attestation(settings(vouched("2027-01-31", "something else")), TODAY).state == "red"
    good = attestation(settings(vouched("2026-11-24")), TODAY)
    assert good.state == "green"
    assert "Jo Example" in good.why


def test_a_strategy_that_relies_on_what_nobody_probed_is_red_by_the_name_of_the_fact():
    open_fact = {"entity": "fact", "action": "open", "reason": "archived_delete", "rows": 1}
    unprobed = SimpleNamespace(table=lambda _name: [open_fact])
    gate = facts_probed(settings(), unprobed)
    assert (gate.name, gate.state) == (PROBED, "red")
    assert "archived_waves relies on archived_delete" in gate.why
    assert facts_probed(settings(url="http://127.0.0.1:1"), unprobed).state == "waived"
    assert facts_probed(settings(), SimpleNamespace(table=lambda _name: [])).state == "green"


def test_on_the_sandbox_the_attestation_is_waived_by_name():
    gate = attestation(settings(url="http://127.0.0.1:8000"), TODAY)
    assert (gate.name, gate.state) == (ATTESTED, "waived")


def plan(**undecided: int):
    rows = [
        {"entity": "decision", "reason": kind, "rows": rows} for kind, rows in undecided.items()
    ]
    return SimpleNamespace(
        table=lambda _name: [{"entity": "deal", "reason": "x", "rows": 1}, *rows]
    )


def test_what_nobody_decided_on_stops_an_apply_even_on_the_sandbox():
    gate, _ = decisions(settings(url="http://127.0.0.1:1"), plan(source_path=2, custom_property=1))
    assert (gate.name, gate.state) == (DECIDED, "red")
    assert "2 of kind source_path" in gate.why
    assert "disc_decisions_open" in gate.why
    assert [gate.state for gate in decisions(settings(), plan())] == ["green", "green"]


def test_a_store_nobody_confirmed_stops_an_apply_into_a_real_account():
    _, gate = decisions(settings(), plan(store_setting=3))
    assert (gate.name, gate.state) == (STORES_CONFIRMED, "red")
    assert "3 stores" in gate.why
    _, gate = decisions(settings(url="http://127.0.0.1:1"), plan(store_setting=3))
    assert gate.state == "waived"


@pytest.fixture
def variables(migrated, monkeypatch):
    for name, value in migrated.variables().items():
        monkeypatch.setenv(name, value)
    return migrated


def call(*arguments: str):
    ended = CliRunner().invoke(app, [*arguments, "--json"])
    return ended.exit_code, json.loads(ended.stdout)


def test_apply_shows_its_preflight_and_what_it_cost(migrated):
    outcome = migrated.outcomes["apply"]
    gates = {row["gate"]: row["state"] for row in outcome.tables[0].records()}
    assert gates.pop(ATTESTED) == "waived"
    assert gates.pop(STORES_CONFIRMED) == "waived"
    assert gates.pop(SIGNED) == "waived"
    assert set(gates.values()) == {"green"}
    assert 0 < outcome.facts["preflight tokens"] <= 150


def test_an_unknown_gate_is_refused_with_the_list_of_those_that_can_be_waived(variables):
    code, answer = call("apply", "--waive", "everything")
    assert code == 2
    assert "webhooks" in answer["headline"]


def test_a_red_gate_stops_apply_with_2_before_anything_is_written(variables, monkeypatch):
    monkeypatch.setenv("PIPEDRIVE_COMPANY_DOMAIN", "somebody-else")
    code, answer = call("apply")
    assert code == 2
    assert "company" in answer["headline"]


def test_retry_says_what_it_released_and_refuses_what_it_does_not_know(variables):
    code, answer = call("retry", "--entity", "note")
    assert (code, answer["headline"]) == (0, "nothing is in quarantine")
    code, answer = call("retry", "--entity", "dragon")
    assert (code, "dragon" in answer["headline"]) == (2, True)
    code, answer = call("retry", "aiq:contact:nobody")
    assert (code, "aiq:contact:nobody" in answer["headline"]) == (2, True)


def test_a_ledger_deleted_after_a_whole_migration_is_rebuilt_and_the_next_plan_creates_nothing(
    migrated_copy, monkeypatch
):
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    for file in migrated_copy.data_dir.glob("ledger.sqlite*"):
        file.unlink()
    code, answer = call("ledger", "rebuild")
    assert code == 0, answer
    found = {(row["entity"], row["what"]): row["records"] for row in answer["tables"]["Found"]}
    assert {what for (entity, what) in found if entity == "person"} == {"as planned"}, found
    code, answer = call("plan", "--read-back")
    assert code == 0, answer
    planned = [row for row in answer["tables"]["Planned"] if row["entity"] != "decision"]
    actions = {row["action"] for row in planned if row["entity"] != "sensitive_value"}
    assert actions <= {"skip", "quarantine"}, planned
    code, answer = call("apply")
    assert code in (0, 3), answer
    assert answer["facts"]["write calls"] == 0


class Night(RealClock):
    """An evening whose hours pass by sleeping."""

    def __init__(self):
        self.slept = []

    def now(self):
        return dt.datetime(2026, 11, 24, 21, 30, tzinfo=dt.UTC) + dt.timedelta(
            seconds=sum(self.slept)
        )

    async def sleep(self, seconds):
        self.slept.append(seconds)


def test_a_load_sleeps_through_the_reset_of_the_budget_and_two_minutes_longer():
    night, said = Night(), []
    reset = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    loading.sleep_until(reset, say=said.append, clock=night)
    assert sum(night.slept) == 2.5 * 3600 + 120
    assert "2026-11-25 00:02 UTC" in said[0]


@pytest.mark.parametrize(
    ("options", "steps_seen"),
    [
        ({}, ["apply"]),
        ({"renew": True}, ["refresh", "apply"]),
        ({"wait": True}, ["apply", "sleep", "refresh", "apply"]),
        ({"wait": True, "wish": Wish(digest="abc")}, ["apply", "sleep", "apply"]),
    ],
)
def test_each_further_day_of_a_load_begins_with_a_new_plan_unless_one_is_named(
    data_dir, monkeypatch, options, steps_seen
):
    seen = []
    reset = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    ends = iter([(Outcome("apply", "stopped", 75), reset), (Outcome("apply", "done"), None)])

    def once(*_arguments):
        seen.append("apply")
        return next(ends)

    monkeypatch.setattr(applying, "_once", once)
    monkeypatch.setattr(loading, "sleep_until", lambda *_a, **_k: seen.append("sleep"))
    monkeypatch.setattr(refreshing, "refresh", lambda *_a: seen.append("refresh"))
    for name, value in zip(ALPINE_IQ, ("http://127.0.0.1:1", "7", "a key"), strict=True):
        monkeypatch.setenv(name, value)
    outcome = applying.apply_plan(Settings(), Silent(), **options)
    assert seen == steps_seen
    assert outcome.exit_code == (0 if options.get("wait") else 75)


def test_a_named_plan_and_a_new_one_are_not_asked_for_together(data_dir):
    with pytest.raises(ConfigError, match="give one of them"):
        applying.apply_plan(Settings(), Silent(), wish=Wish(digest="abc"), renew=True)


def test_what_was_read_over_a_day_ago_is_not_written(migrated_copy, monkeypatch):
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    ours = Settings()
    plan = steps.frozen_plan(ours, migrated_copy.outcomes["plan"].facts["plan"])
    now = dt.datetime.fromisoformat(plan.manifest["source_read_at"])
    with steps.open_ledger(ours) as ledger:
        in_time = refreshing.source_fresh(plan, ledger, now + dt.timedelta(hours=24))
        done = refreshing.source_fresh(plan, ledger, now + dt.timedelta(hours=25))
        ledger.db.execute("delete from id_map where entity = 'person'")
        late = refreshing.source_fresh(plan, ledger, now + dt.timedelta(hours=25))
    assert (in_time.state, done.state, late.state) == ("green", "green", "red")
    assert "--refresh" in late.why
