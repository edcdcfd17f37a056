"""docs/mapping.md is what the project says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from load.errors import ConfigError
from migrate.mapping_page import page, read_mart

ROOT = Path(__file__).resolve().parents[3]


def test_the_mapping_page_is_up_to_date(migrated):
    made = page(migrated.data_dir / "warehouse.duckdb").splitlines()
    kept = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8").splitlines()
    different = [(a, b) for a, b in zip(made, kept, strict=False) if a != b]
    assert different == [], "`make docs` writes it anew"
    assert len(made) == len(kept)
    assert len(made) > 70


def test_each_row_names_a_line_of_sql_that_gives_its_column_and_a_test():
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "](../models/marts/" in line
    ]
    assert len(rows) > 70
    for row in rows:
        mart, column = row[1].strip("`").split(".")
        number = int(row[2].rsplit("#L", 1)[1].rstrip(")"))
        given = (ROOT / "models" / "marts" / f"{mart}.sql").read_text().splitlines()[number - 1]
        assert column in given
        assert row[4].strip()


def test_no_personal_value_stands_on_the_page():
    text = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    assert "@" not in text.replace("@example", "")
    assert "-MED-" not in text


def test_a_requested_column_that_no_mart_gives_is_an_error():
    with pytest.raises(ConfigError, match="no line gives shoe_size__c"):
        read_mart("mart_persons").line_of("shoe_size__c")
