"""remediation.csv: what a person has to do, one line a problem, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front, and so does what
would start a cell for a reader that splits at another sign, or at a line break within quotes
(LibreOffice does). Texts are quoted; numbers that are numbers stay so. An address that came with
the data is written so that nothing makes a link of it.
UTF-8 with a byte order mark, because spreadsheets guess wrongly without.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from migrate.outcome import Cell
from migrate.report.cells import LINKED, defanged

# the last four are full-width forms, which some spreadsheets take for the narrow ones
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BEFORE: Final = ' \u00a0"'
_WITHIN: Final = re.compile('(?<=[\n\r\t;,|"])(?=[ \u00a0]*[=+\\-@\uff1d\uff0b\uff0d\uff20])')


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write all rows and say how many."""
    count = 0
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(
                [
                    safe(cell if name in LINKED or not isinstance(cell, str) else defanged(cell))
                    for name, cell in zip(columns, row, strict=True)
                ]
            )
            count += 1
    return count


def safe(cell: Cell) -> Cell:
    """The cell, unable to run as a formula, whole or in part."""
    if not isinstance(cell, str):
        return cell
    parted = _WITHIN.sub("'", cell)
    return "'" + parted if cell.lstrip(_BEFORE).startswith(FORMULA_STARTS) else parted
