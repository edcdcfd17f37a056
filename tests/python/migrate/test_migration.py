"""The whole road on a small account, over real HTTP, and what stands at its end."""

from __future__ import annotations

import http.client
import json
import shutil
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from urllib.parse import urlsplit

import duckdb
import pytest
from typer.testing import CliRunner

from migrate.cli import app

ENTITIES = ("organization", "person", "product", "deal", "deal_product", "note")


@pytest.fixture
def variables(migrated_copy, monkeypatch):
    """The settings of the migrated account, in force, on a data folder of the test's own."""
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)
    return migrated_copy.variables()


def call(*arguments: str):
    ended = CliRunner().invoke(app, [*arguments, "--json"])
    return ended.exit_code, json.loads(ended.stdout)


def asked(migrated, sql: str):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def writes_in_the_sandbox(url: str) -> int:
    """What the service itself counted."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/_sandbox/log")
    log = json.loads(connection.getresponse().read())
    connection.close()
    calls = log if isinstance(log, list) else log["calls"]
    return sum(one["method"] != "GET" for one in calls)


def test_everything_arrives_and_every_field_compares(migrated):
    assert migrated.outcomes["verify"].exit_code == 0, migrated.outcomes["verify"].headline
    counts = {
        row[0]: row[1:]
        for row in asked(
            migrated,
            "select entity, expected, in_destination, missing, extra "
            "from reconciliation.rec_counts",
        )
    }
    assert set(counts) == set(ENTITIES)
    for expected, there, missing, extra in counts.values():
        assert (there, missing, extra) == (expected, 0, 0)
        assert expected > 0


def test_every_model_opens_in_a_plain_duckdb_shell(migrated, tmp_path):
    file = shutil.copy(migrated.data_dir / "warehouse.duckdb", tmp_path)
    settings = {"autoload_known_extensions": False, "autoinstall_known_extensions": False}
    with duckdb.connect(str(file), read_only=True, config=settings) as shell:
        relations = shell.execute(
            "select table_schema || '.' || table_name, table_type "
            "from information_schema.tables order by all"
        ).fetchall()
        for name, _ in relations:
            shell.execute(f"select * from {name} limit 1").fetchall()
    assert len(relations) > 150
    assert {"BASE TABLE", "VIEW"} == {kind for _, kind in relations}


def test_a_second_apply_writes_nothing_and_the_service_agrees(migrated, variables):
    before = writes_in_the_sandbox(migrated.sandbox.pipedrive_url)
    code, answer = call("apply")
    assert code in (0, 3)
    assert answer["facts"]["write calls"] == 0
    assert writes_in_the_sandbox(migrated.sandbox.pipedrive_url) == before > 0


def test_the_plan_forecasts_tokens_and_calls_within_two_percent_of_what_the_load_spent(migrated):
    digest = migrated.outcomes["plan"].facts["plan"]
    manifest = json.loads((migrated.data_dir / "plans" / digest / "manifest.json").read_text())
    with closing(sqlite3.connect(migrated.data_dir / "ledger.sqlite")) as ledger:
        calls, tokens = ledger.execute(
            "select sum(calls), sum(tokens_spent) from runs where rowid <= (select min(rowid) from"
            " runs where kind = 'sweep') and kind in ('preflight', 'apply', 'sweep')"
        ).fetchone()
    assert manifest["tokens"] == pytest.approx(tokens, rel=0.02)
    assert manifest["calls"] == pytest.approx(calls, rel=0.02)


def test_a_new_plan_right_after_plans_no_write(variables):
    code, answer = call("plan")
    assert code == 0
    planned = [row for row in answer["tables"]["Planned"] if row["entity"] in ENTITIES]
    assert {row["action"] for row in planned} <= {"skip", "quarantine"}
    assert answer["facts"]["tokens"] == 0


def test_a_dry_run_sends_nothing(migrated, variables):
    before = writes_in_the_sandbox(migrated.sandbox.pipedrive_url)
    code, answer = call("apply", "--dry-run")
    assert (code, answer["facts"]["write calls"]) == (0, 0)
    assert writes_in_the_sandbox(migrated.sandbox.pipedrive_url) == before


def test_status_knows_every_step_and_every_record(migrated, variables):
    code, answer = call("status")
    assert code == 0
    steps = [row["step"] for row in answer["tables"]["Steps"]]
    assert steps == ["extract", "build", "plan", "apply", "sweep", "verify", "report"]
    states = {row["entity"] for row in answer["tables"]["Records in the ledger"]}
    assert states >= set(ENTITIES)


def test_a_wrong_key_stops_each_side_with_one_line(migrated, variables, monkeypatch):
    monkeypatch.setenv("PIPEDRIVE_API_TOKEN", "0" * 40)
    code, answer = call("apply")
    assert code == 2
    assert "PIPEDRIVE_API_TOKEN" in answer["headline"] or "token" in answer["headline"]
    monkeypatch.setenv("ALPINE_IQ_API_KEY", "0" * 32)
    code, answer = call("extract")
    assert code == 2
    assert "ALPINE_IQ_API_KEY" in answer["headline"]


def test_a_server_that_is_not_there_is_worth_another_try(variables, monkeypatch):
    monkeypatch.setenv("PIPEDRIVE_BASE_URL", "http://127.0.0.1:9")
    code, answer = call("apply")
    assert code == 75
    assert "\n" not in answer["headline"]


def test_files_are_private(migrated):
    loose = [
        str(file.relative_to(migrated.data_dir))
        for file in migrated.data_dir.rglob("*")
        if file.stat().st_mode & 0o077 and "dbt" not in file.relative_to(migrated.data_dir).parts
    ]
    assert loose == []


class Page(HTMLParser):
    """What a browser would load, and what a reader would find."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.seen: dict[str, int] = {}
        self.anchors: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.loads += [given[name] for name in ("src", "action", "data") if given.get(name)]
        if tag == "link":
            self.loads.append(given.get("href", ""))
        if given.get("id"):
            assert given["id"] not in self.anchors
            self.anchors.add(given["id"])
        if tag == "a":
            self.targets.add(given["href"])


def test_the_report_is_one_page_that_loads_nothing_and_has_its_verdict_first(migrated):
    text = (migrated.data_dir / "report" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert "script" not in page.seen
    assert page.seen["svg"] >= 3
    assert page.seen["table"] >= 10
    inside = {target for target in page.targets if target.startswith("#")}
    assert {target[1:] for target in inside} <= page.anchors
    outside = {urlsplit(target) for target in page.targets - inside}
    assert {(link.scheme, link.path.split("/")[1]) for link in outside} <= {
        ("https", kind) for kind in ("organization", "person", "product", "deal")
    }
    assert {link.netloc.partition(".")[2] for link in outside} == {"pipedrive.com"}
    assert "@import" not in text
    assert "url(" not in text
    assert text.index("<strong>GO</strong>") < text.index("<table>")


def test_the_report_shows_no_address_no_phone_and_no_name(migrated):
    text = (migrated.data_dir / "report" / "report.html").read_text(encoding="utf-8")
    todo = (migrated.data_dir / "report" / "remediation.csv").read_text(encoding="utf-8-sig")
    personal = asked(
        migrated,
        "select unnest(list_transform(emails, x -> x.value)) from marts.mart_persons union "
        "select unnest(list_transform(phones, x -> x.value)) from marts.mart_persons union "
        "select name from marts.mart_persons where name like '% %'",
    )
    assert len(personal) > 20
    assert [value for (value,) in personal if value in text or value in todo] == []


def test_the_ledger_can_be_read_by_anybody_with_sqlite(migrated):
    with sqlite3.connect(migrated.data_dir / "ledger.sqlite") as ledger:
        (confirmed,) = ledger.execute(
            "select count(*) from id_map where state = 'confirmed'"
        ).fetchone()
    ledger.close()
    assert confirmed > 100
