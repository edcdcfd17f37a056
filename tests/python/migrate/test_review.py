"""Decisions go to the customer as a workbook and come back as rows of the seeds."""

from __future__ import annotations

import datetime as dt
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from load.errors import ConfigError
from migrate.review import SHEETS
from migrate.review.workbook import read, write

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def seeds(tmp_path) -> Path:
    return shutil.copytree(ROOT / "seeds", tmp_path / "seeds")


@pytest.fixture
def book(tmp_path, seeds) -> Path:
    file = tmp_path / "review.xlsx"
    write(
        file,
        seeds,
        {
            "Owners": [("16", "America/Denver", "USD", "", "", "Main")],
            "Matches": [("a1", "b2"), ("c3", "d4")],
        },
    )
    return file


def edit(file: Path, **cells: object) -> None:
    """Sets cells given as Sheet__A2."""
    workbook = load_workbook(file)
    for place, value in cells.items():
        sheet, cell = place.split("__")
        workbook[sheet][cell] = value
    workbook.save(file)


def test_there_and_back_without_a_change_is_no_diff(book, seeds):
    changes = read(book, seeds)
    assert len(changes) == len(SHEETS) == 5
    assert [change.sheet for change in changes if change.is_change] == []
    assert sum(len(change.text) for change in changes) > 20_000
    for change in changes:
        assert change.text == (seeds / f"{change.seed}.csv").read_text(encoding="utf-8")


def test_only_the_owner_may_read_the_workbook(book):
    assert stat.S_IMODE(book.stat().st_mode) == 0o600


def test_a_changed_label_an_added_option_and_a_removed_drop_come_back_as_rows(book, seeds):
    workbook = load_workbook(book)
    assert workbook["Mapping"]["D1"].value == "field_name"
    workbook["Mapping"]["D2"] = "Closed at"
    options = workbook["Options"]
    options.append(["person", "loyalty_tier__c", "Diamond", 9])
    workbook["Drops"].delete_rows(3)
    workbook.save(book)
    found = {change.sheet: change for change in read(book, seeds)}
    assert (found["Mapping"].added, found["Mapping"].removed) == (1, 1)
    assert ",Closed at," in found["Mapping"].text
    assert (found["Options"].added, found["Options"].removed) == (1, 0)
    assert found["Options"].text.endswith("person,loyalty_tier__c,Diamond,9\n")
    assert (found["Drops"].added, found["Drops"].removed) == (0, 1)
    assert not found["Owners"].is_change


def test_a_proposal_counts_once_it_is_signed(book, seeds):
    found = {change.sheet: change for change in read(book, seeds)}
    assert found["Matches"].undecided == 2
    assert found["Owners"].undecided == 1
    edit(
        book,
        Matches__C2="same",
        Matches__D2="one household phone, one birth date",
        Matches__E2="Dana",
        Matches__F2=dt.datetime(2026, 11, 25),  # noqa: DTZ001 (as spreadsheets give a day)
    )
    found = {change.sheet: change for change in read(book, seeds)}
    assert found["Matches"].undecided == 1
    assert found["Matches"].text.splitlines()[1:] == [
        'a1,b2,same,"one household phone, one birth date",Dana,2026-11-25'
    ]


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ({"Mapping__D2": "=1+1"}, "Mapping!D2 (field_name) holds a formula"),
        ({"Mapping__E2": "boolean"}, "Mapping!E2 (field_type) must be one of"),
        ({"Mapping__I2": "perhaps"}, "Mapping!I2 (is_personal) must be a true or false"),
        ({"Mapping__D2": None}, "Mapping!D2 (field_name) must not be empty"),
        ({"Mapping__B2": "Close Time!"}, "Mapping!B2 (column_name) must be a name"),
        ({"Mapping__D2": "{{ secrets }}"}, "Mapping!D2 (field_name) holds a template"),
        ({"Options__D2": "first"}, "Options!D2 (rank) must be a whole number"),
        ({"Matches__C2": "maybe", "Matches__E2": "D"}, "Matches!C2 (decision) must be one of"),
        ({"Matches__F2": "tomorrow", "Matches__E2": "D"}, "Matches!F2 (decided_on) must be a date"),
        ({"Owners__D2": "Bob", "Owners__G2": "D"}, "Owners!D2 (owner_id) must be a whole number"),
        ({"Drops__A1": "what"}, "Drops!1:1 lacks the head resource"),
    ],
)
def test_a_bad_cell_is_named_by_sheet_and_cell_and_nothing_comes_back(book, seeds, cells, named):
    edit(book, **cells)
    with pytest.raises(ConfigError) as caught:
        read(book, seeds)
    assert named in str(caught.value)
    assert "Nothing was written" in str(caught.value)


def test_text_that_looks_like_a_formula_stays_text_there_and_back(book, seeds, tmp_path):
    file = seeds / "mapping" / "field_options.csv"
    hostile = [f"person,loyalty_tier__c,{start}1+1,{90 + at}" for at, start in enumerate("=+-@")]
    file.write_text(file.read_text() + "\n".join(hostile) + "\n")
    again = tmp_path / "again.xlsx"
    write(again, seeds, {})
    workbook = load_workbook(again)
    kinds = {cell.data_type for page in workbook for row in page for cell in row if cell.value}
    assert kinds == {"s"}
    assert not any(change.is_change for change in read(again, seeds))


def test_what_is_no_workbook_or_lacks_a_sheet_is_said(book, seeds, tmp_path):
    plain = tmp_path / "plain.xlsx"
    plain.write_text("a,b\n")
    with pytest.raises(ConfigError, match=r"no workbook; save it as \.xlsx"):
        read(plain, seeds)
    workbook = load_workbook(book)
    del workbook["Owners"]
    workbook.save(book)
    with pytest.raises(ConfigError, match="sheet Owners is missing"):
        read(book, seeds)


def test_the_commands_write_and_read_and_a_dry_run_changes_no_seed(tmp_path):
    file = tmp_path / "review.xlsx"
    aiq2pd = str(Path(sys.executable).with_name("aiq2pd"))
    for arguments, said in (
        (["export", str(file)], "5 sheets in"),
        (["import", str(file), "--dry-run"], "no difference"),
    ):
        done = subprocess.run(
            [aiq2pd, "review", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
