"""The list of things to do opens in a spreadsheet without running anything."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.report.remediation import FORMULA_STARTS, safe, write_csv


@pytest.mark.parametrize(
    "hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "  =1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(hostile):
    defused = safe(hostile)
    assert defused.startswith("'" + hostile[0])
    assert defused.replace("'", "") == hostile


@given(st.text())
def test_no_text_at_all_starts_like_a_formula(text):
    defused = safe(text)
    assert isinstance(defused, str)
    assert not defused.lstrip(" ").startswith(FORMULA_STARTS)
    assert defused.removeprefix("'") == text.removeprefix("'")


def test_numbers_stay_numbers_and_rows_survive_the_round_trip(tmp_path):
    file = tmp_path / "remediation.csv"
    rows = [("person", -5, "a,b\nc"), ("deal", None, 'say "hi"')]
    assert write_csv(file, ("entity", "found", "text"), rows) == 2
    with file.open(encoding="utf-8-sig", newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["entity", "found", "text"],
            ["person", "-5", "a,b\nc"],
            ["deal", "", 'say "hi"'],
        ]
