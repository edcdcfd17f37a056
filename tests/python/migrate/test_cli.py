"""The command line itself: what it imports, what it prints, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migrate.cli import app

HEAVY = ("dbt", "dlt", "duckdb", "pyarrow", "httpx", "numpy", "aiohttp", "jinja2")
COMMANDS = [command.name for command in app.registered_commands]
NEED_ACCOUNTS = ["extract", "plan", "apply", "sweep", "verify"]

# what was imported, printed at the end of a run of the command
SPY = """
import sys, atexit
atexit.register(lambda: print("MODULES", *sorted({n.split(".")[0] for n in sys.modules})))
sys.argv = ["aiq2pd", *sys.argv[1:]]
from migrate.cli import main
main()
"""


def call(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("arguments", [["--help"], ["apply", "--help"], ["status"]])
def test_help_and_status_answer_without_the_heavy_libraries(arguments, data_dir):
    data_dir.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPY, *arguments], capture_output=True, text=True, check=True
    )
    imported = done.stdout.rpartition("MODULES")[2].split()
    assert "migrate" in imported
    assert [name for name in HEAVY if name in imported] == []


@pytest.mark.parametrize("command", [*COMMANDS, "sandbox up", "sandbox generate"])
def test_help_teaches_and_ends_with_an_example(command):
    shown = call(*command.split(), "--help")
    assert shown.exit_code == 0
    example = shown.output[shown.output.index("Example:") :]
    assert f"aiq2pd {command}" in example
    assert "--json" in example


@pytest.mark.parametrize("command", NEED_ACCOUNTS)
def test_without_settings_a_command_says_what_is_missing_and_how_to_try(command):
    ended = call(command)
    assert ended.exit_code == 2
    assert "_API_" in ended.stderr
    assert "aiq2pd demo" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [*NEED_ACCOUNTS, "doctor", "report", "status"])
def test_json_is_one_object_with_the_exit_code_also_when_it_fails(command):
    ended = call(command, "--json")
    answer = json.loads(ended.stdout)
    assert answer["exit_code"] == ended.exit_code
    assert answer["command"] == command
    assert answer["headline"]


def test_a_wrong_option_is_a_usage_error():
    assert call("apply", "--dry").exit_code == 2
    assert call("no-such-command").exit_code == 2


def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(monkeypatch, tmp_path):
    file = tmp_path / "a file, not a folder"
    file.touch()
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(file / "data"))
    ended = call("doctor")
    assert ended.exit_code == 2
    assert "AIQ2PD_DATA_DIR" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_traceback_is_only_shown_when_asked_for(monkeypatch):
    def fail(_progress):
        raise ValueError("jo@example.com")

    monkeypatch.setattr("migrate.status.read_status", fail)
    quiet, loud = call("status"), call("status", "--debug")
    assert quiet.exit_code == loud.exit_code == 1
    assert "jo@example.com" not in quiet.output
    assert "Traceback" in loud.stderr


def test_an_interrupt_ends_with_run_again(monkeypatch):
    def interrupted(_progress):
        raise KeyboardInterrupt

    monkeypatch.setattr("migrate.status.read_status", interrupted)
    ended = call("status")
    assert ended.exit_code == 75
    assert "Run the same command again" in ended.stderr


def test_a_demo_never_replaces_what_no_demo_made(data_dir: Path):
    data_dir.mkdir()
    ledger = data_dir / "ledger.sqlite"
    ledger.write_bytes(b"somebody's")
    ended = call("demo")
    assert ended.exit_code == 2
    assert ledger.read_bytes() == b"somebody's"


def test_a_damaged_ledger_is_said_by_status_in_one_line(data_dir: Path):
    data_dir.mkdir()
    (data_dir / "ledger.sqlite").write_bytes(b"half-written" * 100)
    ended = call("status")
    assert ended.exit_code == 2
    assert "damaged" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
