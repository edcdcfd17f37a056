"""The documentation cannot lie: commands, exit codes, errors, settings, queries are held to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import typer

from load.preflight import GATES
from migrate import error_manual, manual
from migrate.cli import app
from migrate.gates import QUESTIONS
from migrate.outcome import EXIT_CODES
from migrate.preflight import ATTESTED, DECIDED, PROBED, STORES_CONFIRMED, WATCHED
from migrate.refreshing import FRESH
from migrate.settings import variables
from migrate.signing import SIGNED
from tests.python.browser import browser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
QUERY = re.compile(r"```sql\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(command, path="aiq2pd"):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


def test_every_command_has_its_section_and_the_page_is_up_to_date():
    named = list(commands(typer.main.get_command(app)))
    assert len(named) > 15
    assert [path for path in named if f"## `{path}`\n" not in page("cli.md")] == []
    assert page("cli.md") == manual.manual()


def test_every_setting_is_explained():
    assert len(variables()) > 15
    assert [name for name, _, _ in variables() if f"`{name}`" not in page("cli.md")] == []


def test_every_exit_code_has_its_line_in_the_runbook():
    assert [c for c in EXIT_CODES if not re.search(rf"^\| {c} \|", page("runbook.md"), re.M)] == []


def test_every_gate_of_verify_has_its_line_in_the_runbook():
    lines = {gate.question: f"| {gate.question} | `" for gate in QUESTIONS}
    assert len(lines) > 10
    assert [gate for gate, line in lines.items() if line not in page("runbook.md")] == []


def test_every_gate_of_preflight_has_its_line_in_the_runbook():
    own = {ATTESTED, DECIDED, FRESH, PROBED, SIGNED, STORES_CONFIRMED, WATCHED}
    lines = {gate: f"| `{gate}` | " for gate in {*GATES, *own}}
    assert len(lines) == len(GATES) + len(own) > 10
    assert [gate for gate, line in lines.items() if line not in page("runbook.md")] == []


def test_every_error_is_explained_and_the_page_is_up_to_date():
    assert len(error_manual.families()) > 8
    assert [e.__name__ for e in error_manual.families() if not e.__doc__] == []
    assert page("errors.md") == error_manual.manual()


def test_every_query_of_the_cookbook_runs_on_a_migrated_account(migrated):
    queries = QUERY.findall(page("cookbook.md"))
    assert len(queries) > 5
    file = migrated.data_dir / "warehouse.duckdb"
    with closing(duckdb.connect(str(file), read_only=True)) as warehouse:
        for query in queries:
            warehouse.execute(query).fetchall()


def test_every_link_between_pages_leads_to_a_page():
    links = [
        (file.relative_to(ROOT), link)
        for file in DOCS.rglob("*.md")
        for link in LINK.findall(file.read_text(encoding="utf-8"))
        if not (file.parent / link).is_file()
    ]
    assert links == []


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages as `make site` builds them."""
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(built)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return built


@pytest.mark.long
def test_the_site_is_built_without_a_warning_and_asks_no_other_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    fetched = {
        address
        for each in pages
        for address in re.findall(
            r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"((?:https?:)?//[^\"]+)",
            each.read_text(encoding="utf-8"),
        )
    }
    assert fetched == set()


@pytest.mark.long
@pytest.mark.parametrize("name", ["index.html", "tasks/undo.html"])
def test_a_page_opened_from_its_folder_finds_what_is_searched_for_without_a_network(site, name):
    with browser() as running:
        context = running.new_context(offline=True)
        page = context.new_page()
        page.set_default_timeout(20_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / name).as_uri())
        page.fill("input.md-search__input", "quarantine")
        page.wait_for_selector(".md-search-result__item a")
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert any("search_index.js" in url for url in asked)
