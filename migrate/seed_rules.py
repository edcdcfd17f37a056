"""What the seeds' own rules say of their rows: each bad one named by file and line before a build.

The rules stand in the seeds' YAML, as data tests and column types, and nowhere else; this reads
them and says what dbt's own failure does not: file, line, column, the value and what is allowed.
Whether a file is readable at all, and free of templates, is asked before (`migrate.seeds`).

Raises `ConfigError` with the first faults, all seeds considered.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import yaml

from load.errors import ConfigError

SHOWN: Final = 5
_REFERENCE: Final = re.compile(r"ref\('(\w+)'\)")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad value, or one bad row."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.text}"


def check_seed_rules(project: Path) -> None:
    """All seeds of the project."""
    faults = list(faults_of(project))
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise ConfigError("; ".join(str(fault) for fault in faults[:SHOWN]) + more)


def faults_of(project: Path) -> Iterator[Fault]:
    """Every fault, in the order of files and lines."""
    for description in sorted(project.glob("seeds/*/*.yml")):
        for seed in yaml.safe_load(description.read_text(encoding="utf-8"))["seeds"]:
            file = description.with_name(f"{seed['name']}.csv")
            shown = str(file.relative_to(project))
            rows, broken = _read(file, shown)
            yield from broken
            if not broken:
                yield from _judge(project, seed, shown, rows)


def _read(file: Path, shown: str) -> tuple[list[tuple[int, Row]], list[Fault]]:
    """Rows with the line each begins on, and rows that have too many or too few values."""
    rows: list[tuple[int, Row]] = []
    broken: list[Fault] = []
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened)
        header = next(reader, [])
        last = reader.line_num
        for values in reader:
            line, last = last + 1, reader.line_num
            if len(values) != len(header):
                text = f"{len(values)} values, the header names {len(header)}: {', '.join(header)}"
                broken.append(Fault(shown, line, text))
            else:
                rows.append((line, dict(zip(header, values, strict=True))))
    return rows, broken


def _judge(
    project: Path, seed: dict[str, Any], shown: str, rows: list[tuple[int, Row]]
) -> Iterator[Fault]:
    for column, kind in seed.get("config", {}).get("column_types", {}).items():
        yield from _types(shown, rows, column, str(kind))
    for column in seed.get("columns", ()):
        for test in column.get("data_tests", ()):
            name, arguments = _test(test)
            if name in _JUDGES:
                yield from _JUDGES[name](project, shown, rows, column["name"], arguments)
    for test in seed.get("data_tests", ()):
        name, arguments = _test(test)
        if name == "unique_combination":
            yield from _unique(project, shown, rows, ",".join(arguments["columns"]), arguments)


def _test(test: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(test, str):
        return test, {}
    name, given = next(iter(test.items()))
    return name, (given or {}).get("arguments", {})


def _types(shown: str, rows: list[tuple[int, Row]], column: str, kind: str) -> Iterator[Fault]:
    for line, row in rows:
        value = row.get(column, "")
        if value and not _is_of_type(value, kind):
            yield Fault(shown, line, f"{column} '{value}' is not of type {kind}")


def _is_of_type(value: str, kind: str) -> bool:
    try:
        if kind in {"integer", "bigint"}:
            int(value)
        elif kind.startswith("decimal"):
            Decimal(value)
        elif kind == "date":
            date.fromisoformat(value)
        elif kind == "boolean":
            return value.lower() in {"true", "false"}
    except (ValueError, InvalidOperation):
        return False
    return True


def _allowed(
    _project: Path, shown: str, rows: list[tuple[int, Row]], column: str, given: dict[str, Any]
) -> Iterator[Fault]:
    values = [str(value) for value in given["values"]]
    for line, row in rows:
        if row[column] and row[column] not in values:
            text = f"{column} '{row[column]}' is none of {', '.join(values)}"
            yield Fault(shown, line, text)


def _not_null(
    _project: Path, shown: str, rows: list[tuple[int, Row]], column: str, _given: dict[str, Any]
) -> Iterator[Fault]:
    for line, row in rows:
        if not row[column]:
            yield Fault(shown, line, f"{column} is empty; every row needs one")


def _unique(
    _project: Path, shown: str, rows: list[tuple[int, Row]], column: str, _given: dict[str, Any]
) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], int] = {}
    for line, row in rows:
        key = tuple(row[name] for name in column.split(","))
        if key in seen:
            told = ", ".join(key)
            yield Fault(shown, line, f"{column} '{told}' stands in line {seen[key]} already")
        seen.setdefault(key, line)


def _refers(
    project: Path, shown: str, rows: list[tuple[int, Row]], column: str, given: dict[str, Any]
) -> Iterator[Fault]:
    found = _REFERENCE.fullmatch(str(given["to"]))
    files = list(project.glob(f"seeds/*/{found.group(1)}.csv")) if found else []
    if not files:
        return  # a model: dbt judges it once it is built
    other, _ = _read(files[0], files[0].name)
    known = sorted({row[given["field"]] for _, row in other})
    for line, row in rows:
        if row[column] and row[column] not in known:
            text = f"{column} '{row[column]}' is not in {files[0].name}"
            listed = f": {', '.join(known)}" if len(known) <= 20 else ""
            yield Fault(shown, line, text + listed)


def _fits_its_name(
    _project: Path, shown: str, rows: list[tuple[int, Row]], column: str, given: dict[str, Any]
) -> Iterator[Fault]:
    patterns: dict[str, str] = given["allowed"]
    for line, row in rows:
        name, value = row[given["name_column"]], row[column]
        if name not in patterns:
            yield Fault(shown, line, f"'{name}' is none of {', '.join(patterns)}")
        elif not re.fullmatch(patterns[name], value):
            yield Fault(shown, line, f"{name} '{value}' does not fit {patterns[name]}")
    named = {row[given["name_column"]] for _, row in rows}
    for name, pattern in patterns.items():
        if name not in named:
            yield Fault(shown, 1, f"{name} is missing; allowed is {pattern}")


def _fits_length(
    _project: Path, shown: str, rows: list[tuple[int, Row]], column: str, given: dict[str, Any]
) -> Iterator[Fault]:
    for line, row in rows:
        if len(row[column]) > given["characters"]:
            yield Fault(shown, line, f"{column} is longer than {given['characters']} characters")


_Judge = Callable[[Path, str, list[tuple[int, Row]], str, dict[str, Any]], Iterator[Fault]]
_JUDGES: Final[dict[str, _Judge]] = {
    "accepted_values": _allowed,
    "not_null": _not_null,
    "unique": _unique,
    "relationships": _refers,
    "value_fits_its_name": _fits_its_name,
    "not_longer_than": _fits_length,
}
