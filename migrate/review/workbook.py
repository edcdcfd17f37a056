"""The workbook: seeds to sheets and back.

What a cell may hold is told by the seeds' own descriptions (`accepted_values`, `not_null` and
column types of `_seeds.yml`), and by what `migrate.seeds` allows in any seed.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

import yaml
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from load.errors import ConfigError
from migrate.review import SHEETS, Sheet
from migrate.seeds import what_is_wrong

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

SIGNED: Final = "decided_by"
LARGEST: Final = 64 * 1024 * 1024
SHOWN_AT_MOST: Final = 10
WIDTHS: Final = (10, 60)
HEAD: Final = PatternFill("solid", fgColor="E3EAF4")
PROPOSED: Final = PatternFill("solid", fgColor="FDF4DD")
GUIDE: Final = (
    "Each sheet is a list that the migration works by. Change, add or remove rows; keep the heads.",
    "All cells are text. Dates: 2026-12-31. Yes and no: true, false. No formulas.",
    "Yellow rows are proposals: they count once decided_by holds a name.",
    "Send the file back when it is done; whoever runs the migration reviews every change.",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a sheet does to its seed; `text` is the whole new file."""

    sheet: str
    seed: str
    text: str
    added: int
    removed: int
    undecided: int
    is_change: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What one column may hold."""

    accepted: frozenset[str]
    is_required: bool
    kind: str


def write(
    file: Path, seeds: Path, proposals: Mapping[str, Sequence[tuple[str, ...]]]
) -> list[tuple[str, int, int]]:
    """A new workbook, 0600; sheet, rows and proposals of each."""
    book = Workbook()
    book.remove(book.worksheets[0])
    guide = book.create_sheet("Read me")
    for line, text in enumerate((*GUIDE, *(f"{s.title}: {s.explained}" for s in SHEETS)), 1):
        _put(guide, line, 1, text)
    guide.column_dimensions["A"].width = 100
    written = []
    for sheet in SHEETS:
        header, rows = _seed(seeds / f"{sheet.seed}.csv")
        known = {tuple(row) for row in rows}
        proposed = [row for row in proposals.get(sheet.title, ()) if row not in known]
        _fill(book.create_sheet(sheet.title), header, rows, proposed, _rules(seeds, sheet))
        written.append((sheet.title, len(rows), len(proposed)))
    content = io.BytesIO()
    book.save(content)
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(content.getvalue())
    return written


def _refuse_bombs(file: Path) -> None:
    """A small file that unpacks to more than any true workbook of ours is not opened."""
    try:
        with zipfile.ZipFile(file) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # what is no workbook at all is said where it is opened
    if unpacked > LARGEST:
        raise ConfigError(f"{file}: unpacks to {unpacked >> 20} MiB, no workbook of ours does")


def read(file: Path, seeds: Path) -> list[Change]:
    """What the workbook would change, sheet by sheet."""
    _refuse_bombs(file)
    try:
        with file.open("rb") as packed:  # a workbook refused half-way leaves no file open behind it
            book = load_workbook(packed)
    except (
        InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError,
    ):  # fmt: skip
        raise ConfigError(f"{file}: no workbook; save it as .xlsx") from None
    faults: list[str] = []
    changes = []
    for sheet in SHEETS:
        if sheet.title not in book.sheetnames:
            faults.append(f"sheet {sheet.title} is missing")
            continue
        changes.append(_change(book[sheet.title], sheet, seeds, faults))
    if faults:
        more = f" and {len(faults) - SHOWN_AT_MOST} more" if faults[SHOWN_AT_MOST:] else ""
        raise ConfigError(f"{file}: {'; '.join(faults[:SHOWN_AT_MOST])}{more}. Nothing was written")
    return changes


def _change(page: Worksheet, sheet: Sheet, seeds: Path, faults: list[str]) -> Change:
    path = seeds / f"{sheet.seed}.csv"
    header, before = _seed(path)
    places = _places(page, header, faults)
    rules = _rules(seeds, sheet)
    after: list[list[str]] = []
    undecided = 0
    known = {tuple(row) for row in before}
    for line in range(2, page.max_row + 1):
        cells = [page.cell(line, at) for at in places]
        row = [_text(cell) for cell in cells]
        if not any(row):
            continue
        if SIGNED in header and not row[header.index(SIGNED)] and tuple(row) not in known:
            undecided += 1
            continue
        after.append(row)
        for name, cell, value in zip(header, cells, row, strict=True):
            if what := _fault(name, cell, value, rules.get(name)):
                faults.append(f"{sheet.title}!{cell.coordinate} ({name}) {what}")
    text = _csv(header, after)
    there, here = Counter(map(tuple, before)), Counter(map(tuple, after))
    return Change(
        sheet.title,
        sheet.seed,
        text,
        (here - there).total(),
        (there - here).total(),
        undecided,
        text != path.read_text(encoding="utf-8"),
    )


def _places(page: Worksheet, header: Sequence[str], faults: list[str]) -> list[int]:
    """Where each column of the seed stands, wherever people moved it."""
    found: dict[str, Any] = {_text(cell): cell.column for cell in page[1]}
    missing = [name for name in header if name not in found]
    if missing:
        faults.append(f"{page.title}!1:1 lacks the head {', '.join(missing)}")
        return []
    return [found[name] for name in header]


def _fault(name: str, cell: Any, value: str, rules: Rules | None) -> str | None:
    """What is wrong with a cell; its value is not repeated."""
    if cell.data_type == "f":
        return "holds a formula: type the value itself"
    if cell.data_type == "e":
        return "holds an error of the spreadsheet"
    if wrong := what_is_wrong(name, value):
        return wrong
    return None if rules is None else _against(rules, value)


def _against(rules: Rules, value: str) -> str | None:
    if not value:
        return "must not be empty" if rules.is_required else None
    if rules.accepted and value not in rules.accepted:
        return f"must be one of {', '.join(sorted(rules.accepted))}"
    return None if _fits(value, rules.kind) else f"must be a {rules.kind}"


def _fits(value: str, kind: str) -> bool:
    if kind == "whole number":
        return value.removeprefix("-").isdecimal()
    if kind == "true or false":
        return value in {"true", "false"}
    if kind == "date such as 2026-12-31":
        try:
            return dt.date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return True


KINDS: Final = {
    "integer": "whole number",
    "bigint": "whole number",
    "boolean": "true or false",
    "date": "date such as 2026-12-31",
}


def _rules(seeds: Path, sheet: Sheet) -> dict[str, Rules]:
    """From the seed's description, so that a rule stands in one place."""
    folder, name = sheet.seed.split("/")
    described = yaml.safe_load((seeds / folder / "_seeds.yml").read_text(encoding="utf-8"))
    seed: dict[str, Any] = next((one for one in described["seeds"] if one["name"] == name), {})
    types = seed.get("config", {}).get("column_types", {})
    columns = {column["name"]: column for column in seed.get("columns", ())}
    return {
        column: _rule(columns.get(column, {}).get("data_tests", ()), types.get(column, ""))
        for column in {*columns, *types}
    }


def _rule(tests: Sequence[Any], kind: str) -> Rules:
    accepted: set[str] = set()
    for test in tests:
        if isinstance(test, dict) and "accepted_values" in test:
            accepted |= {str(value) for value in test["accepted_values"]["arguments"]["values"]}
    return Rules(frozenset(accepted), "not_null" in tests, KINDS.get(kind, "text"))


def _fill(
    page: Worksheet,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    proposed: Sequence[Sequence[str]],
    rules: Mapping[str, Rules],
) -> None:
    for at, name in enumerate(header, 1):
        cell = _put(page, 1, at, name)
        cell.font, cell.fill = Font(bold=True), HEAD
        longest = max((len(row[at - 1]) for row in rows), default=0)
        width = min(max(longest, len(name) + 2, WIDTHS[0]), WIDTHS[1])
        page.column_dimensions[cell.column_letter].width = width
        accepted = sorted(rules[name].accepted) if name in rules else []
        if accepted and len(",".join(accepted)) < 250:
            choice = DataValidation("list", formula1=f'"{",".join(accepted)}"', allow_blank=True)
            page.add_data_validation(choice)
            choice.add(f"{cell.column_letter}2:{cell.column_letter}5000")
    for line, row in enumerate(rows, 2):
        for at, value in enumerate(row, 1):
            _put(page, line, at, value)
    for line, row in enumerate(proposed, 2 + len(rows)):
        padded = [*row, *[""] * (len(header) - len(row))]
        for at, value in enumerate(padded, 1):
            _put(page, line, at, value).fill = PROPOSED
    page.freeze_panes = "A2"
    page.auto_filter.ref = page.dimensions


def _put(page: Worksheet, line: int, at: int, value: str) -> Any:
    """A cell that is text whatever it looks like, also after somebody edited it."""
    cell: Any = page.cell(line, at)
    cell.number_format = "@"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if value:
        cell.value = value
        cell.data_type = "s"
    return cell


def _text(cell: Any) -> str:
    """The cell as the seed spells it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _seed(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    return header, rows


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()
