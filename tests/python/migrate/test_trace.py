"""One record, from the source to Pipedrive: by any key that people have at hand, masked, fast."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from load.errors import ConfigError
from load.progress import Silent
from migrate.trace import trace

PERSON = (
    "select id_map.source_key, id_map.pipedrive_id, emails[1].value, name, binding.company_domain "
    "from marts.mart_persons join ledger.id_map using (source_key) cross join ledger.binding "
    "where id_map.state = 'confirmed' and len(emails) > 0 order by source_key limit 1"
)


@pytest.fixture
def person(migrated, monkeypatch):
    """Key, id, e-mail address, name and domain of somebody who crossed."""
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(migrated.data_dir))
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(PERSON).fetchone()


def test_source_key_link_and_email_address_lead_to_the_same_record(person):
    key, number, email, _, domain = person
    link = f"https://{domain}.pipedrive.com/person/{number}"
    outcomes = [trace(Silent(), key=given) for given in (key, link, email, email.upper())]
    assert {outcome.headline for outcome in outcomes} == {f"person {key}"}
    assert all(outcome.tables == outcomes[0].tables for outcome in outcomes)


@pytest.mark.parametrize("entity", ["organization", "product", "deal"])
def test_a_link_to_any_record_of_ours_leads_to_its_source_key(person, migrated, entity):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        key, number = warehouse.execute(
            "select source_key, pipedrive_id from ledger.id_map where entity = ? "
            "and state = 'confirmed' order by source_key limit 1",
            [entity],
        ).fetchone()
    outcomes = [
        trace(Silent(), key=given)
        for given in (key, f"https://{person[4]}.pipedrive.com/{entity}/{number}")
    ]
    assert {outcome.headline for outcome in outcomes} == {f"{entity} {key}"}
    assert outcomes[0].tables == outcomes[1].tables
    assert {"Fields", "Ledger", "Calls"} <= {table.title for table in outcomes[0].tables}


def test_the_fields_show_what_the_landed_record_and_pipedrive_say(person, migrated):
    key, _, email, _, _ = person
    outcome = trace(Silent(), key=key, is_masked=False)
    fields = next(table for table in outcome.tables if table.title == "Fields").records()
    points = next(row for row in fields if row["column_name"] == "loyalty_points__c")
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        (landed,) = warehouse.execute(
            "select sum((payload ->> '$.loyaltyPoints')::double) from raw_alpine_iq.contacts "
            "where record_key in (select contact_id from intermediate.int_contacts_matched "
            "where person_source_key = ?)",
            [key],
        ).fetchone()
    assert float(points["mart"]) == float(points["pipedrive"]) == landed
    emails = next(row for row in fields if row["column_name"] == "emails")
    assert email in emails["mart"]
    assert email in emails["pipedrive"]


def test_it_shows_source_merge_consent_plan_ledger_calls_and_present_values(person):
    titles = {table.title for table in trace(Silent(), key=person[0]).tables}
    assert {"Fields", "Source records of this person", "Consent evidence"} <= titles
    assert {"Plan", "Ledger", "Calls"} <= titles


def test_personal_values_are_masked_unless_asked_otherwise(person):
    key, _, email, name, _ = person
    masked = json.dumps(trace(Silent(), key=key).as_json())
    assert email not in masked
    assert name not in masked
    assert "masked, " in masked
    clear = json.dumps(trace(Silent(), key=key, is_masked=False).as_json(), ensure_ascii=False)
    assert email in clear


@pytest.mark.parametrize("key", ["nobody@mail.example.com", "https://x.pipedrive.com/person/1"])
def test_a_key_of_nobody_says_so_and_what_to_give(person, key):
    with pytest.raises(ConfigError, match="0 records fit: give a source key"):
        trace(Silent(), key=key)


def test_the_whole_command_takes_under_two_seconds_of_processor_time(person, migrated):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("aiq2pd")), "trace", person[0]],
        env={**os.environ, **migrated.variables()},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 2, f"{used:.2f} s"
