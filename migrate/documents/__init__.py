"""Documents that are made from the project and its warehouse, never written by hand.

Each is a Markdown and an HTML file below `data/documents`, beside CSV files where people work with
the rows. They show counts and definitions; the only list with ids of people (push channels) holds
keys, no names. Reads the warehouse, calls nobody. Raises `ConfigError` without a warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from load.errors import ConfigError
from load.warehouse import is_there
from migrate import history, places
from migrate.outcome import Outcome, Table

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.documents.sheets import Sheet
    from migrate.places import Places


def write_documents(progress: Progress) -> Outcome:
    """`aiq2pd documents`."""
    from migrate.documents.dictionary import DICTIONARY, LINE_DICTIONARY
    from migrate.documents.rebuild import PUSH_LIST, REBUILD

    return _written("documents", (DICTIONARY, LINE_DICTIONARY, REBUILD, PUSH_LIST), progress)


def discover(progress: Progress) -> Outcome:
    """`aiq2pd discover`."""
    from migrate.documents.scope import SCOPE

    return _written("discover", (SCOPE,), progress)


def _written(command: str, sheets: Iterable[Sheet], progress: Progress) -> Outcome:
    where = places.here().prepare()
    if not is_there(where.warehouse):
        raise ConfigError(
            f"no warehouse at {where.shown(where.warehouse)}: run `aiq2pd extract` and "
            "`aiq2pd build` first; without accounts, try it all on local servers: `aiq2pd demo`"
        )
    began = time.monotonic()
    progress.start(command, None)
    rows = tuple(row for sheet in sheets for row in _write(where, sheet))
    progress.finish(command)
    written = Table("Written", ("document", "sections", "rows", "file"), rows)
    headline = f"{len(rows)} written to {where.shown(where.data / 'documents')}"
    outcome = Outcome(command, headline, tables=(written,))
    return history.record(where, outcome, seconds=time.monotonic() - began)


def _write(where: Places, sheet: Sheet) -> Iterable[tuple[str, int, int, str]]:
    from migrate.documents.layout import as_html, as_markdown
    from migrate.report.remediation import write_csv
    from migrate.summaries import open_warehouse

    folder = where.data / "documents"
    folder.mkdir(mode=0o700, exist_ok=True)
    with open_warehouse(where.warehouse) as warehouse:
        sections = tuple(
            (section, warehouse.table(section.title, section.sql)) for section in sheet.sections
        )
        spent = sum(len(table.rows) for _, table in sections)
        for suffix, lay_out in ((".md", as_markdown), (".html", as_html)):
            file = _private(folder / f"{sheet.name}{suffix}", lay_out(sheet, sections))
            yield sheet.title, len(sections), spent, where.shown(file)
        if sheet.csv:
            listed = warehouse.table(sheet.title, sheet.csv)
            file = folder / f"{sheet.name}.csv"
            count = write_csv(file, listed.columns, listed.rows)
            file.chmod(0o600)
            yield sheet.title, 1, count, where.shown(file)


def _private(file: Path, text: str) -> Path:
    half = file.with_name(file.name + ".tmp")
    half.touch(mode=0o600)
    half.write_text(text, encoding="utf-8")
    return half.replace(file)
