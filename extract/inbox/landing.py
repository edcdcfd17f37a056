"""Exports on their way into the raw tables, through the same landing as the API's answers.

| kind | raw table | record_key |
|---|---|---|
| personas | export_personas | contact id |
| sales_lines | export_sales_lines | transaction id, hash of the row, how often it came before |
| hidden_contacts | export_hidden_contacts | contact id |
| loyalty_snapshot | loyalty_snapshot | `snapshot` |
| files | export_files | contact id, receipt, file |

Rows are upserted, file after file, oldest first: the newest statement about a record stays. Files
whose rows are all there are not read again. The manifest of files is a list to be worked off: it
replaces its table each time, each line with its file's `size` (bytes) and `sha256`.

Raises `ConfigError` when a file has a problem; then nothing is landed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from extract.inbox.attachments import attached, contents
from extract.inbox.check import InboxReport, check_inbox
from extract.inbox.files import (
    FILES,
    HIDDEN_CONTACTS,
    LOYALTY_SNAPSHOT,
    PERSONAS,
    SALES_LINES,
    InboxFile,
)
from extract.inbox.headers import read_headers
from extract.inbox.rows import Export, Row
from extract.landing import Warehouse, Way, resource, tables_of
from extract.records import Record, sha256
from load.errors import ConfigError

if TYPE_CHECKING:
    from extract.inbox.headers import Headers

TABLES: Final = {
    PERSONAS: "export_personas",
    SALES_LINES: "export_sales_lines",
    HIDDEN_CONTACTS: "export_hidden_contacts",
    LOYALTY_SNAPSHOT: "loyalty_snapshot",
    FILES: "export_files",
}
_BATCH: Final = 5_000
_SHOWN: Final = 5


def land_inbox(
    warehouse: Warehouse, folder: Path, headers_seed: Path, *, uid: str = ""
) -> InboxReport:
    """Check every file, then land those that are not landed yet."""
    report = check_inbox(folder, headers_seed, uid=uid)
    if report.problems:
        raise ConfigError(_refusal(report))
    headers = read_headers(headers_seed)
    for kind, table in TABLES.items():
        files = [checked.file for checked in report.files if checked.file.kind == kind]
        way: Way = "replace" if kind == FILES else "upsert"
        if way == "upsert" and all(_is_landed(warehouse, table, file) for file in files):
            continue
        for file in files:
            warehouse.land(resource(table, tables_of(_records(file, headers)), way))
    return report


def _refusal(report: InboxReport) -> str:
    count = sum(checked.problem_count for checked in report.files)
    shown = "; ".join(str(problem) for problem in report.problems[:_SHOWN])
    more = f"; {count - _SHOWN} more" if count > _SHOWN else ""
    return f"{shown}{more}. Nothing was landed; `aiq2pd inbox check` lists them all"


def _is_landed(warehouse: Warehouse, table: str, file: InboxFile) -> bool:
    """A file without rows counts as landed only by the table being there: it costs nothing."""
    found = warehouse.rows(
        f"SELECT 1 FROM {warehouse.dataset}.{table} AS landed "
        f"JOIN {warehouse.dataset}._dlt_loads AS loads "
        "ON landed._dlt_load_id = loads.load_id "
        "WHERE loads.status = 0 AND starts_with(landed.request, ?) LIMIT 1",
        [file.origin],
    )
    return bool(found)


def _records(file: InboxFile, headers: Headers) -> Iterator[Sequence[Record]]:
    if file.kind == LOYALTY_SNAPSHOT:
        payload = file.path.read_bytes().strip()
        yield [Record("snapshot", payload, sha256(payload), file.origin, file.as_of)]
        return
    if file.kind == FILES:
        yield list(_attached(file, headers))
        return
    seen: dict[str, int] = {}
    batch: list[Record] = []
    for row in Export(file, headers.get(file.kind, {})).rows():
        batch.append(_record(file, row, seen))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _attached(file: InboxFile, headers: Headers) -> Iterator[Record]:
    file.path.chmod(0o600)
    for line in attached(Export(file, headers.get(file.kind, {}))):
        size, digest = contents(file.path.parent / line.name)
        payload = msgspec.json.encode({**line.members, "size": size, "sha256": digest})
        yield Record(line.key, payload, sha256(payload), f"{file.origin}#{line.line}", file.as_of)


def _record(file: InboxFile, row: Row, seen: dict[str, int]) -> Record:
    digest = sha256(row.payload)
    key = row.key
    if file.kind == SALES_LINES:
        base = f"{row.key}:{digest[:16]}"
        ordinal = seen.get(base, 0)
        seen[base] = ordinal + 1
        key = f"{base}:{ordinal}"
    return Record(key, row.payload, digest, f"{file.origin}#{row.line}", file.as_of)
