"""The house's own laws: who imports whom, how long a module may be, what must be documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("extract", "load", "migrate", "sandbox", "checker", "simulation")
LANDING = {"extract.landing", "extract.folder", "extract.records"}
MAY_IMPORT = {
    "sandbox": set(),
    "load": set(),
    # exports in the inbox spare the API calls that they answer: one extraction, two lanes
    "extract/alpine_iq": {"load.errors", "extract.inbox", *LANDING},
    "extract/inbox": {"load.errors", *LANDING},
    "extract/pipedrive": {"load", *LANDING},
    "checker": set(),
    "simulation": {"load", "sandbox", "checker"},
    "migrate": {"extract", "load", "sandbox"},
}
# "store" is missing on purpose: files and tables are stored, too
DOMAIN_WORDS = re.compile(r"\bpersonas?\b|loyalty|alpine|cannabis|audience", re.IGNORECASE)
# about 300; a module that is one list may be a little longer
LONGEST_MODULE = 330


def modules(*rooms: str) -> list[Path]:
    return sorted(file for room in rooms for file in (ROOT / room).rglob("*.py"))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def imports_of_ours(file: Path) -> set[str]:
    """Modules of other rooms that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] in ROOMS}


def allowed(module: str, room: str) -> bool:
    own = room.replace("/", ".")
    names = {own, *MAY_IMPORT[room]}
    return any(module == name or module.startswith(name + ".") for name in names)


@pytest.mark.parametrize("room", list(MAY_IMPORT))
def test_a_room_imports_only_the_rooms_below_it(room):
    wrong = {
        named(file): sorted(bad)
        for file in modules(room)
        if (bad := {m for m in imports_of_ours(file) if not allowed(m, room)})
    }
    assert wrong == {}


def test_the_loader_knows_nothing_of_the_sources_domain():
    wrong = [
        f"{named(file)}:{number}: {line.strip()}"
        for file in modules("load")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if DOMAIN_WORDS.search(line)
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["checker", "extract", "load", "migrate", "sandbox", "simulation"])
def test_modules_are_short_enough_to_read_and_say_what_they_are_for(room):
    files = modules(room)
    assert files
    too_long = {
        named(file): lines
        for file in files
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    silent = [
        named(file)
        for file in files
        if (text := file.read_text(encoding="utf-8")).strip()
        and not ast.get_docstring(ast.parse(text))
    ]
    assert too_long == {}
    assert silent == []


def test_only_the_clients_speak_http():
    speakers = {
        named(file)
        for file in modules("extract", "load", "migrate")
        if re.search(
            r"^\s*(import|from) (httpx|requests|aiohttp|urllib3)\b", file.read_text(), re.M
        )
    }
    assert speakers <= {"extract/alpine_iq/client.py", "load/client.py", "load/client_answers.py"}


def documentation() -> str:
    pages = [ROOT / "docs" / "cli.md", ROOT / "README.md"]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages if page.is_file())


def test_every_command_exit_code_and_variable_is_documented():
    from migrate.cli import app
    from migrate.outcome import EXIT_CODES
    from migrate.settings import variables

    text = documentation()
    commands = [command.name for command in app.registered_commands]
    assert len(commands) >= 10
    assert [name for name in commands if f"`aiq2pd {name}`" not in text] == []
    assert [code for code in EXIT_CODES if f"| {code} |" not in text] == []
    assert [name for name, _default, _meaning in variables() if f"`{name}`" not in text] == []


def test_every_variable_that_the_code_reads_is_known_to_the_settings():
    from migrate.settings import variables

    pattern = re.compile(r"['\"]((?:AIQ2PD|ALPINE_IQ|PIPEDRIVE)_[A-Z_]+)['\"]")
    known = {name for name, _default, _meaning in variables()}
    read = {
        name
        for file in modules("extract", "load", "migrate")
        for name in pattern.findall(file.read_text(encoding="utf-8"))
    }
    beside = {"AIQ2PD_ENV_FILE", "AIQ2PD_ACCOUNT_FILE", "AIQ2PD_CRASHPOINT"}
    assert read - known - beside == set()
    assert [name for name in beside if f"`{name}`" not in documentation()] == []


def test_the_example_of_env_names_every_variable():
    from migrate.settings import variables

    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named_there = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", text, re.M))
    assert named_there == {name for name, _default, _meaning in variables()}


def test_the_command_page_is_what_the_commands_say():
    from migrate.manual import manual

    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == manual(), "run `make docs`"


def test_the_repository_names_no_place_of_this_machine():
    """Addresses of package indexes and home folders do not belong into a project."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index" not in lock


def test_a_group_of_tests_stays_with_one_worker(request):
    """pytest-xdist tells groups by the end of a test's name, which a newer pytest may not keep."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not in groups: `make test` runs with --dist loadgroup")
    assert request.node.nodeid.endswith(f"@{__file__}")
