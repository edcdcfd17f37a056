"""An address that came with the data is text in every page and file that people open."""

from __future__ import annotations

import csv
import re
import shutil

import pytest
from openpyxl import load_workbook

from migrate.documents.layout import as_html, as_markdown
from migrate.documents.sheets import Section, Sheet
from migrate.outcome import Table
from migrate.report.cells import as_table, defanged
from migrate.report.remediation import write_csv
from migrate.review.workbook import write

OURS = "https://sandbox-1.pipedrive.com/person/12"
HOSTILE = [
    "https://evil.example/login?x=1",
    "HTTP://evil.example",
    "see www.evil.example now",
    "javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "mailto:somebody@evil.example?subject=x",
    "file:///etc/passwd",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    '<a href="https://evil.example">x</a>',
    OURS,
]
# what a browser, a forge or a mail program makes a link of
LINK = re.compile(r"https?://|ftp://|file://|javascript:|mailto:|www\.|data:[a-z]+/", re.IGNORECASE)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_address_of_the_data_is_no_link_any_more_and_can_still_be_read(text):
    found = defanged(text)
    assert not LINK.search(found)
    assert re.sub(r"\[([:.])\]", r"\1", found) == text


@pytest.mark.parametrize("text", ["Tea & Co", "data: 5 rows", "file 3: ok", "12:30", "a www b"])
def test_what_is_no_address_stays_as_it_is(text):
    assert defanged(text) == text


def test_the_report_links_only_what_we_made_and_where_it_belongs():
    columns = ("store", "record")
    html = str(as_table(Table("T", columns, tuple((one, OURS) for one in HOSTILE))))
    assert html.count("<a ") == html.count(f'href="{OURS}"') == len(HOSTILE)
    assert not LINK.search(html.replace(OURS, ""))
    html = str(as_table(Table("T", columns, ((OURS, HOSTILE[0]),))))
    assert "<a " not in html


def test_documents_hold_no_link_of_the_data_in_html_or_markdown():
    section = Section("Stores", "", "")
    sheet = Sheet("scope", "Scope", "", (section,))
    filled = [(section, Table("Stores", ("name",), tuple((one,) for one in HOSTILE)))]
    assert not LINK.search(as_html(sheet, filled).partition("<body")[2])
    text = as_markdown(sheet, filled)
    assert not LINK.search(text)
    assert not re.search(r"(?<!\\)\[", text), "every bracket of the data is escaped"


def test_the_remediation_list_has_our_links_and_no_others(tmp_path):
    file = tmp_path / "remediation.csv"
    write_csv(file, ("found", "pipedrive_link"), [(one, OURS) for one in HOSTILE])
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.reader(text))[1:]
    assert [link for _, link in rows] == [OURS] * len(HOSTILE)
    assert [found for found, _ in rows if LINK.search(found)] == []


def test_a_workbook_has_no_link_and_no_formula(request, tmp_path):
    seeds = shutil.copytree(request.config.rootpath / "seeds", tmp_path / "seeds")
    file = tmp_path / "review.xlsx"
    proposed = [("16", "America/Denver", "USD", "", "", one) for one in [*HOSTILE, "=HYPERLINK(1)"]]
    write(file, seeds, {"Owners": proposed, "Matches": []})
    book = load_workbook(file)
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value]
    assert {cell.value for cell in cells} >= set(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.coordinate for cell in cells if cell.hyperlink is not None] == []
