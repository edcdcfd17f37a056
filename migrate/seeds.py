"""The committed seeds, looked at before dbt reads them: data, and never SQL, Jinja or markup.

Names that are matched against columns, entities and rules have the form of names; no cell holds a
template, a control or a direction character, or more text than anybody reviews. What a value may
be beyond that is told by the tests in `_seeds.yml`. Raises `ConfigError` with file, line, column.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from load.errors import ConfigError

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
# columns of seeds whose values name something that SQL or the loader matches by name
NAMED: Final = frozenset(
    {
        "column_name",
        "entity",
        "field_type",
        "file_kind",
        "kind",
        "loss",
        "on_update",
        "plan_name",
        "policy_name",
        "resource",
        "rule",
        "rule_name",
        "test_name",
        "value_type",
    }
)
TEMPLATES: Final = ("{{", "{%", "{#")
LONGEST_CELL: Final = 2_000
# control, format (direction marks among them), surrogate, private use
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
JOINER: Final = "\u200d"  # holds emoji together, in names of audiences and stores
SHOWN_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell; its value is not repeated."""

    file: str
    line: int
    column: str
    what: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}, {self.column}: {self.what}"


def check_seeds(folder: Path) -> int:
    """Looks at every seed below the folder; says how many cells there were."""
    cells, faults = 0, []
    for file in sorted(folder.rglob("*.csv")):
        for fault in faults_of(file):
            if fault is None:
                cells += 1
            else:
                faults.append(fault)
    if faults:
        more = f" and {len(faults) - SHOWN_AT_MOST} more" if faults[SHOWN_AT_MOST:] else ""
        raise ConfigError(f"seeds: {'; '.join(map(str, faults[:SHOWN_AT_MOST]))}{more}")
    return cells


def faults_of(file: Path) -> Iterator[Fault | None]:
    """One result for each cell: None, or what is wrong with it."""
    try:
        with file.open(encoding="utf-8", newline="") as text:
            rows = list(csv.reader(text, strict=True))
    except (UnicodeDecodeError, csv.Error):
        yield Fault(file.name, 0, "file", "is no CSV in UTF-8")
        return
    header = rows[0] if rows else []
    for name in header or [""]:
        yield None if NAME.fullmatch(name) else Fault(file.name, 1, "header", "is no column name")
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            yield Fault(file.name, line, "row", f"has {len(row)} cells, the header {len(header)}")
            continue
        for column, value in zip(header, row, strict=True):
            what = what_is_wrong(column, value)
            yield None if what is None else Fault(file.name, line, column, what)


def what_is_wrong(column: str, value: str) -> str | None:
    """What no seed may hold in a column, in words; None when the value is fine."""
    if column in NAMED and value and not NAME.fullmatch(value):
        return "must be a name: small letters, digits and underscores"
    if any(template in value for template in TEMPLATES):
        return "holds a template"
    visible = value.replace(JOINER, "")
    if any(unicodedata.category(character) in INVISIBLE for character in visible):
        return "holds a character that nobody can see"
    if len(value) > LONGEST_CELL:
        return f"is longer than {LONGEST_CELL} characters"
    return None
