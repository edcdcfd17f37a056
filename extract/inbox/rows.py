"""Rows of one export as JSON payloads, and what is wrong with them, by line and column.

A payload has one member per known column, its text as exported, and the unknown columns under
`other`, by the header they have in the file. No message holds a value of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from extract.inbox.files import FILES, SALES_LINES, InboxFile, encoding_of
from extract.inbox.headers import Column, ValueType, folded

OTHER: Final = "other"
_KEYS: Final = {SALES_LINES: "transactionID", FILES: "file"}
_MAX_FIELD: Final = 16 * 1024 * 1024
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")
_ZONE: Final = re.compile(r" ?(UTC|Z|[+-]\d\d(:?\d\d)?)$")
_BOOLEANS: Final = frozenset({"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"})
_EXPECTED: Final[Mapping[ValueType, str]] = {
    "number": "a number like 12.5",
    "boolean": "true or false",
    "time": "a time like 2024-05-31 18:00:00 UTC, or epoch seconds",
}
_REASONS: Final = frozenset({"blocklisted", "archived", "internal_archive", "merged"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a file from being landed."""

    file: str
    line: int
    column: str
    what: str

    def __str__(self) -> str:
        where = f", column {self.column}" if self.column else ""
        return f"inbox/{self.file} line {self.line}{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it begins in the file, its key's text, its payload."""

    line: int
    key: str
    payload: bytes


@dataclass(slots=True)
class Export:
    """One CSV file being read. `members` and `unknown` are known once its header was read."""

    file: InboxFile
    columns: Mapping[str, Column]
    encoding: str = ""
    members: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Rows that can be read; what is wrong is added to `problems`."""
        csv.field_size_limit(_MAX_FIELD)
        try:
            self.encoding = encoding_of(self.file.path)
            with self.file.path.open(encoding=self.encoding, newline="") as lines:
                first = lines.readline()
                lines.seek(0)
                reader = csv.reader(lines, delimiter=_delimiter(first), strict=True)
                yield from self._read(reader)
        except UnicodeError:
            self.problem(1, "", "neither UTF-8, UTF-16 nor Windows-1252; export it again as UTF-8")

    def _read(self, reader: Iterator[list[str]]) -> Iterator[Row]:
        line = 1
        try:
            header = next(reader, None)
            if header is None or not self._take_header(header):
                if header is None:
                    self.problem(1, "", "the file is empty")
                return
            known = [self.columns.get(folded(name)) for name in header]
            line = reader.line_num + 1  # type: ignore[attr-defined]
            for values in reader:
                if values:
                    row = self._row(line, header, known, values)
                    if row is not None:
                        yield row
                line = reader.line_num + 1  # type: ignore[attr-defined]
        except csv.Error:
            self.problem(line, "", "a quotation mark is not closed, or stands inside a value")

    def _take_header(self, header: Sequence[str]) -> bool:
        before = len(self.problems)
        seen: set[str] = set()
        for name in header:
            column = self.columns.get(folded(name))
            label = column.member if column else name.strip()
            if label in seen:
                self.problem(1, name.strip(), "the column stands twice in the header")
            seen.add(label)
            (self.members if column else self.unknown).append(label)
        for name, column in self.columns.items():
            if column.is_required and column.member not in seen:
                self.problem(
                    1,
                    name,
                    "the column is missing; export it, or name its header in the seed "
                    "inbox_headers.csv",
                )
        return len(self.problems) == before

    def _row(
        self,
        line: int,
        header: Sequence[str],
        known: Sequence[Column | None],
        values: Sequence[str],
    ) -> Row | None:
        if len(values) != len(header):
            self.problem(
                line, "", f"{len(values)} values under {len(header)} columns; check its quotes"
            )
            return None
        payload: dict[str, object] = {}
        other: dict[str, str] = {}
        key = ""
        is_sound = True
        for name, column, value in zip(header, known, values, strict=True):
            if column is None:
                other[name.strip()] = value
                continue
            wrong = _wrong(column, value)
            if wrong:
                self.problem(line, name.strip(), wrong)
                is_sound = False
            if column.member == self.key_member:
                key = value.strip()
            payload[column.member] = value
        if not key:
            self.problem(line, self.key_member, "the key is empty")
            is_sound = False
        if other:
            payload[OTHER] = other
        return Row(line, key, msgspec.json.encode(payload)) if is_sound else None

    @property
    def key_member(self) -> str:
        return _KEYS.get(self.file.kind, "contactID")

    def problem(self, line: int, column: str, what: str) -> None:
        """Notes what keeps the file from being landed."""
        self.problems.append(Problem(self.file.name, line, column, what))


def _delimiter(first_line: str) -> str:
    return max(",;\t", key=first_line.count)


def _wrong(column: Column, value: str) -> str:
    """What is wrong with a value; empty when nothing is. An empty value is no value."""
    text = value.strip()
    if not text:
        return ""
    if column.member == "hiddenReason" and text.casefold() not in _REASONS:
        return f"expected one of {', '.join(sorted(_REASONS))}"
    fits = {
        "text": True,
        "number": column.value_type == "number" and bool(_NUMBER.fullmatch(text)),
        "boolean": text.casefold() in _BOOLEANS,
        "time": column.value_type == "time" and _is_time(text),
    }[column.value_type]
    return "" if fits else f"expected {_EXPECTED[column.value_type]}"


def _is_time(text: str) -> bool:
    if _NUMBER.fullmatch(text):
        return True
    bare = _ZONE.sub("", text) if len(text) > len("2024-05-31") else text
    if not _TIME.fullmatch(bare):
        return False
    try:
        datetime.fromisoformat(bare)
    except ValueError:
        return False
    return True
