"""The inbox as commands show it: what its files hold, what is wrong, what they save.

Raises `ConfigError` when the seed of headers can't be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from extract.alpine_iq import land_exports
from extract.inbox import CheckedFile, InboxReport, check_inbox
from migrate.outcome import CONFIGURATION, DONE, Outcome, Table
from migrate.places import mapping_seed

if TYPE_CHECKING:
    from migrate.settings import Settings

FOLDER: Final = "inbox"
_FILES: Final = ("file", "kind", "encoding", "rows", "columns known", "columns kept as they are")


def headers_seed() -> Path:
    """The seed that names the columns of exports."""
    return mapping_seed("inbox_headers.csv")


def check(settings: Settings) -> Outcome:
    """`aiq2pd inbox check`."""
    folder = settings.data_dir / FOLDER
    report = check_inbox(folder, headers_seed(), uid=str(settings.alpine_iq_uid or ""))
    problems = tuple(
        (each.file, each.line or None, each.column, each.what) for each in report.problems
    )
    count = sum(checked.problem_count for checked in report.files)
    tables = [_files(report)]
    if problems:
        tables.append(Table("Problems", ("file", "line", "column", "what"), problems))
    if report.ignored:
        ignored = tuple((name,) for name in report.ignored)
        tables.append(Table("Not read: the name fits no pattern", ("file",), ignored))
    where = settings.places.shown(folder)
    if count:
        headline = f"{count:,} problems in {where}: nothing would be landed"
    elif report.files:
        headline = f"{len(report.files)} files in {where} can be landed"
    else:
        headline = f"no export in {where}: everything comes by API"
    return Outcome(
        "inbox check",
        headline,
        CONFIGURATION if count else DONE,
        facts={"problems": count},
        tables=tuple(tables),
        notes=() if count else ("Next: aiq2pd extract",),
    )


def land_without_calls(settings: Settings) -> Outcome:
    """`aiq2pd extract --exports-only`."""
    report = land_exports(settings.data_dir, headers_seed(), uid=str(settings.alpine_iq_uid or ""))
    rows = sum(checked.rows for checked in report.files)
    return Outcome(
        "extract",
        f"landed {rows:,} rows of {len(report.files)} files with no call",
        facts={"calls": 0},
        tables=(_files(report),),
        notes=("Next: aiq2pd build",),
    )


def _files(report: InboxReport) -> Table:
    return Table("Files in the inbox", _FILES, tuple(_row(each) for each in report.files))


def _row(checked: CheckedFile) -> tuple[str | int | None, ...]:
    return (
        checked.file.name,
        checked.file.kind,
        checked.encoding,
        checked.rows,
        len(checked.members),
        ", ".join(checked.unknown),
    )
