"""What stands in the inbox, told before anything of it is landed.

Reads every file to its end. Nothing is written and nothing raised for what a file holds: problems
are part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from extract.inbox.attachments import attached, unnamed
from extract.inbox.files import (
    FILES,
    LOYALTY_SNAPSHOT,
    SALES_LINES,
    InboxFile,
    find_files,
)
from extract.inbox.headers import Headers, read_headers
from extract.inbox.rows import Export, Problem, Row

KEPT_PROBLEMS: Final = 100  # a file; the others are only counted
LARGEST_SNAPSHOT: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file, read to its end."""

    file: InboxFile
    encoding: str
    rows: int
    members: tuple[str, ...]
    unknown: tuple[str, ...]
    problem_count: int


@dataclass(frozen=True, slots=True)
class InboxReport:
    """All files; `ignored` are names that fit no pattern."""

    files: tuple[CheckedFile, ...] = ()
    ignored: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def check_inbox(folder: Path, headers_seed: Path, *, uid: str = "") -> InboxReport:
    """Read every file of the inbox. With `uid`, a file of another account is a problem."""
    headers = read_headers(headers_seed)
    found, ignored = find_files(folder)
    checked, problems = [], []
    for file in found:
        result, wrong = _check(file, headers, uid)
        checked.append(result)
        problems.extend(wrong[:KEPT_PROBLEMS])
    manifest = next((file for file in found if file.kind == FILES), None)
    ignored += unnamed(folder, manifest, headers.get(FILES, {}))
    return InboxReport(tuple(checked), tuple(ignored), tuple(problems))


def _check(file: InboxFile, headers: Headers, uid: str) -> tuple[CheckedFile, list[Problem]]:
    problems = []
    if uid and file.uid and file.uid != uid:
        problems.append(
            Problem(file.name, 0, "", f"it belongs to account {file.uid}, not to {uid}; remove it")
        )
    if file.kind == LOYALTY_SNAPSHOT:
        problems += snapshot_problems(file)
        rows = 0 if problems else 1
        return CheckedFile(file, "utf-8", rows, (), (), len(problems)), problems
    export = Export(file, headers.get(file.kind, {}))
    count = sum(1 for _ in (attached(export) if file.kind == FILES else _contacts(export)))
    problems += export.problems
    checked = CheckedFile(
        file,
        export.encoding,
        count,
        tuple(export.members),
        tuple(export.unknown),
        len(problems),
    )
    return checked, problems


def _contacts(export: Export) -> Iterator[Row]:
    """Rows of an export; but for sales lines, a contact stands there once."""
    first_lines: dict[str, int] = {}
    for row in export.rows():
        yield row
        first = first_lines.setdefault(row.key, row.line)
        if first != row.line and export.file.kind != SALES_LINES:
            what = f"the contact stands on line {first} already; keep one of the two"
            export.problem(row.line, "contact_id", what)


def snapshot_problems(file: InboxFile) -> list[Problem]:
    """A settings snapshot has to be one JSON object, of a size and depth that settings have."""
    if file.path.stat().st_size > LARGEST_SNAPSHOT:
        what = f"larger than {LARGEST_SNAPSHOT // 2**20} MiB; settings are not: export it again"
        return [Problem(file.name, 1, "", what)]
    try:
        msgspec.json.decode(file.path.read_bytes(), type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [Problem(file.name, 1, "", "not one JSON object in UTF-8; export it again")]
    return []
