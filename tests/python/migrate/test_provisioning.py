"""`aiq2pd provision` and `ledger export-fields` on a migrated account."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from migrate.cli import app
from migrate.provisioning import CODE_COLUMNS


@pytest.fixture
def call(migrated_copy, monkeypatch):
    for name, value in migrated_copy.variables().items():
        monkeypatch.setenv(name, value)

    def ask(*arguments: str):
        ended = CliRunner().invoke(app, [*arguments, "--json"])
        return ended.exit_code, json.loads(ended.stdout)

    return ask


def test_a_migrated_account_has_the_catalogues_fields_and_their_codes_can_be_committed(
    call, migrated_copy, tmp_path
):
    for arguments in (("--dry-run",), ("--replace", "--prune")):
        code, answer = call("provision", *arguments)
        assert (code, answer["tables"]) == (0, {})
        assert "are those of the catalogue" in answer["headline"]
    file = tmp_path / "field_codes.csv"
    file.write_text(",".join(CODE_COLUMNS) + "\n1,person,points__c,,ff\n", encoding="utf-8")
    assert call("ledger", "export-fields", "--to", str(file))[0] == 0
    first = file.read_text(encoding="utf-8")
    rows = list(csv.DictReader(first.splitlines()))
    company = str(migrated_copy.sandbox.company_id)
    assert {row["company_id"] for row in rows} == {"1", company}
    ours = [row for row in rows if row["company_id"] == company]
    fields = [row["field_code"] for row in ours if len(row["field_code"]) == 40]
    assert len(set(fields)) == len(fields) > 20
    rest = [row for row in ours if len(row["field_code"]) < 40]
    assert all(row["field_code"].isdecimal() for row in rest)
    assert {row["entity"] for row in rest} >= {"person", "pipeline", "stage"}
    assert any(row["column_name"] == "label_names" and row["option_label"] for row in rest)
    assert call("ledger", "export-fields", "--to", str(file))[0] == 0
    assert file.read_text(encoding="utf-8") == first
