"""No person and no secret stands where only the operator's databases may have them.

Every person of the migrated account is a canary: names, addresses, phones, medical ids, birth
dates. What may hold them: the warehouse, frozen plans, and the sandbox, which is a service of its
own. Everything else below the data folder, and everything that a command says, may not.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import socket
import stat

import duckdb
import pytest
from typer.testing import CliRunner

from load.errors import MigrationError
from load.ledger import Ledger
from load.progress import Silent
from migrate import dbt, places
from migrate.cli import app
from migrate.failures import explain

MAY_HOLD = re.compile(r"^(warehouse\.duckdb(\.wal)?$|plans/|sandbox/)")
PERSONAL = """
select unnest(list_transform(emails, x -> lower(x.value))) from marts.mart_persons
union select unnest(list_transform(phones, x -> x.value)) from marts.mart_persons
union select right(unnest(list_transform(phones, x -> x.value)), 10) from marts.mart_persons
union select lower(name) from marts.mart_persons where name like '% %' and length(name) > 8
union select lower(med_id__c) from marts.mart_persons where length(med_id__c) > 5
union select lower(address__c.value) from marts.mart_persons where length(address__c.value) > 8
"""
BIRTH_DATES = (
    "select birth_date__c::varchar from marts.mart_persons where birth_date__c is not null"
)
DRY = (
    ("status",),
    ("doctor",),
    ("trace", "{key}"),
    ("discover",),
    ("report",),
    ("documents",),
    ("apply", "--dry-run"),
    ("undo", "--all", "--dry-run"),
    ("forget", "{key}", "--dry-run"),
    ("purge", "--all", "--dry-run"),
    ("inbox", "check"),
)


class Canaries(list[bytes]):
    """Values of people; some places have dates of their own."""

    def __init__(self, values: list[bytes], dates: list[bytes]) -> None:
        super().__init__([*values, *dates])
        self.without_dates = values


@pytest.fixture(scope="module")
def canaries(migrated) -> Canaries:
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as connection:
        found = [value for (value,) in connection.execute(PERSONAL).fetchall() if value]
        dates = [value for (value,) in connection.execute(BIRTH_DATES).fetchall()]
    assert len(found) > 80
    assert len(dates) > 10
    return Canaries([value.encode() for value in found], [value.encode() for value in dates])


@pytest.fixture(scope="module")
def secrets(migrated) -> list[bytes]:
    info = migrated.sandbox
    key = (migrated.data_dir / "ledger.key").read_bytes().strip()
    return [info.api_key.encode(), info.api_token.encode(), key]


def files(data):
    return [file for file in sorted(data.rglob("*")) if file.is_file() and not file.is_symlink()]


def test_no_file_but_the_operators_databases_holds_a_person(migrated, canaries):
    looked, wrong = 0, {}
    for file in files(migrated.data_dir):
        name = str(file.relative_to(migrated.data_dir))
        if MAY_HOLD.search(name):
            continue
        looked += 1
        content = file.read_bytes().lower()
        # the project's own unit tests have birth dates, and dbt keeps the project as it parsed it
        sought = canaries if not name.startswith("dbt/") else canaries.without_dates
        held = [canary for canary in sought if canary in content]
        if held:
            wrong[name] = len(held)
    assert looked > 20
    assert wrong == {}


def test_no_file_holds_a_secret_but_the_one_that_is_there_for_it(migrated, secrets):
    wrong = [
        str(file.relative_to(migrated.data_dir))
        for file in files(migrated.data_dir)
        if "sandbox" not in file.parts
        and file.name != "ledger.key"
        and any(secret in file.read_bytes() for secret in secrets)
    ]
    assert wrong == []


def test_the_ledger_holds_no_value_of_a_record_in_the_clear(migrated, canaries):
    for file in (
        migrated.data_dir / "ledger.sqlite",
        *(migrated.data_dir / "ledger_backups").glob("*.sqlite"),
    ):
        content = file.read_bytes().lower()
        assert [canary for canary in canaries if canary in content] == []


def test_what_the_steps_of_a_migration_say_names_nobody(migrated, canaries, secrets):
    said = json.dumps(
        [outcome.as_json() for outcome in migrated.outcomes.values()], default=str
    ).lower()
    assert len(said) > 2_000
    assert [each for each in (*canaries, *secrets) if each.decode() in said] == []


def test_no_command_shows_a_person_or_a_secret(migrated, canaries, secrets, copy_of, monkeypatch):
    where = copy_of()
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        (key,) = connection.execute(
            "select max(source_key) from marts.mart_persons where emails[1] is not null"
        ).fetchone()
    for name, value in {
        **migrated.variables(),
        "AIQ2PD_DATA_DIR": str(where.data),
        "AIQ2PD_LEDGER_KEY": "canary-ledger-key",
    }.items():
        monkeypatch.setenv(name, value)
    logging.getLogger().setLevel(logging.DEBUG)
    said = ""
    for words in DRY:
        result = CliRunner().invoke(app, [word.format(key=key) for word in words])
        assert result.exit_code in (0, 3), (words, result.output)
        said += result.output.lower()
    assert len(said) > 5_000
    hidden = [*canaries, *secrets, b"canary-ledger-key"]
    assert [each for each in hidden if each.decode() in said] == []
    made = [file for file in files(where.data) if not MAY_HOLD.search(file.name)]
    for file in made:
        if file.parent.name in ("report", "documents", "steps"):
            content = file.read_bytes().lower()
            assert [each for each in canaries if each in content] == [], file.name


def test_everything_below_the_data_folder_belongs_to_its_owner_alone(migrated):
    loose = [
        (str(path.relative_to(migrated.data_dir)), oct(stat.S_IMODE(path.stat().st_mode)))
        for path in (migrated.data_dir, *migrated.data_dir.rglob("*"))
        if path.stat().st_mode & 0o077 and "dbt" not in path.relative_to(migrated.data_dir).parts
    ]
    assert loose == []


def test_the_ledger_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        where = places.Places(tmp_path / "data").prepare()
        with Ledger.open(where.ledger, None) as ledger:
            ledger.start_run("x", plan_digest=None, code_version="1")
    finally:
        os.umask(before)
    made = [where.data, *where.data.rglob("*")]
    assert len(made) >= 4
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


def test_an_unforeseen_failure_is_told_without_its_text():
    def fail() -> None:
        raise RuntimeError("could not parse maya@example.com, born 1990-02-28")

    try:
        fail()
    except RuntimeError as error:
        told = explain(error)
    assert "maya" not in told.message
    assert "1990" not in told.message
    assert not isinstance(told, MigrationError)


def test_an_event_that_was_changed_afterwards_is_found(migrated, copy_of):
    where = copy_of()
    with Ledger.open(where.ledger, None) as ledger:
        assert ledger.check_events() > 5
        ledger.db.execute("update events set detail = '{}' where seq = 3")
        with pytest.raises(MigrationError, match="event 3 was changed"):
            ledger.check_events()


def test_landing_speaks_to_nobody(tmp_path, monkeypatch):
    """dlt reports its use unless told not to; a watched socket sees that it does not."""
    from extract.landing import Dataset, Warehouse, resource, table_of

    spoken_to: list[object] = []

    def connect(_self, address):
        spoken_to.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_more, **_also: connect(None, host))
    landing = Warehouse(tmp_path, Dataset("raw_test", "test", load_workers=1))
    now = dt.datetime.now(dt.UTC)
    landing.land(resource("people", [table_of(["1"], [b"{}"], ["h"], "/", now)], "replace"))
    assert landing.rows("select count(*) from raw_test.people") == [(1,)]
    assert spoken_to == []
    left = [file for file in files(tmp_path) if file.suffix in {".gz", ".parquet", ".jsonl"}]
    assert left == []


def test_dbt_is_told_to_report_to_nobody_and_gets_no_secret(tmp_path, monkeypatch):
    started: list[tuple[list[str], dict[str, str]]] = []

    def popen(command, *, env, **_more):
        started.append((command, env))
        raise KeyboardInterrupt

    monkeypatch.setattr(dbt.subprocess, "Popen", popen)
    monkeypatch.setenv("PIPEDRIVE_API_TOKEN", "canary-token")
    (tmp_path / "seeds").mkdir()
    with pytest.raises(KeyboardInterrupt):
        dbt.build(tmp_path, environment={}, target_path=tmp_path, progress=Silent())
    ((command, environment),) = started
    assert "--no-send-anonymous-usage-stats" in command
    assert environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert "canary-token" not in environment.values()
