"""`aiq2pd probe` over the sandbox: priced first, asked, written into the seed, nothing left."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from load.questions import QUESTIONS
from migrate.cli import app


@pytest.fixture
def call(sandbox_pair, monkeypatch):
    for name, value in sandbox_pair[1].environment().items():
        monkeypatch.setenv(name, value)

    def ask(*arguments: str):
        ended = CliRunner().invoke(app, ["probe", *arguments, "--json"])
        return ended.exit_code, json.loads(ended.stdout)

    return ask


def test_a_probe_is_priced_asked_and_written_down_and_its_seed_keeps_other_days(call, tmp_path):
    code, answer = call("--dry-run")
    assert code == 0
    assert {row["fact"] for row in answer["tables"]["Questions"]} == {one.fact for one in QUESTIONS}
    file = tmp_path / "facts.csv"
    file.write_text(
        "company_id,fact,answer,probed_on\n9,trim_text,yes,2026-01-01\n", encoding="utf-8"
    )
    code, answer = call("--yes", "--to", str(file))
    assert code == 0, answer
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == len(QUESTIONS) + 1
    assert rows[-1] == {
        "company_id": "9", "fact": "trim_text", "answer": "yes", "probed_on": "2026-01-01",
    }  # fmt: skip


def test_the_company_that_the_ledger_loads_is_not_probed(call, data_dir, sandbox_pair):
    from load.ledger import Ledger

    data_dir.mkdir()
    (data_dir / "ledger.key").write_text("k")
    with Ledger.open(data_dir / "ledger.sqlite", "k") as ledger:
        ledger.bind(company_id=sandbox_pair[1].company_id, company_domain="x", source_account="1")
    code, answer = call("--yes")
    assert code == 2
    assert "trial account" in answer["headline"]
