"""One person in the other files of the data folder: exports, reports, documents, logs, leftovers.

Lines of a CSV that hold one of the texts are taken out; any other file that we made is deleted,
because its command makes it anew. A file that the inbox's manifest gives to this person alone goes
with its line. A packed file in the inbox is the customer's own and is only named. What databases
and plans hold is the business of others; the sandbox is a service of its own and no copy of ours.
"""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from extract.inbox.attachments import files_of
from load.forget.needles import Needles
from migrate.places import mapping_seed

PACKED: Final = frozenset({".gz", ".zip", ".xlsx", ".docx"})
OTHERS: Final = frozenset({"sandbox"})
_DATABASES: Final = re.compile(r"\.(duckdb|sqlite)(\.wal|-wal|-shm|\.lock)?$|\.parquet$")


@dataclass(frozen=True, slots=True)
class Files:
    """Files that held something: changed, deleted, and left for a person to see to."""

    changed: tuple[Path, ...] = ()
    deleted: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.changed) + len(self.deleted) + len(self.left)


def holding(data: Path, needles: Needles) -> list[Path]:
    """Files outside databases and plans that hold one of the texts, or are theirs alone."""
    sought = needles.compiled()
    # before the manifest, whose lines tell whose they are: a forget that is killed begins anew
    attached = _attached(data, needles)
    others = (file for file in _ours(data) if file not in attached)
    return [*attached, *(file for file in others if _holds(file, sought))]


def erase(data: Path, needles: Needles, *, beside: Collection[str] = ()) -> Files:
    """Takes the person out of these files, or the file away; `beside` names what stays."""
    sought = needles.compiled()
    changed, deleted, left = [], [], []
    attached = _attached(data, needles)
    for file in holding(data, needles):
        if file.name in beside:
            continue
        is_packed = file.suffix.lower() in PACKED and "inbox" in file.relative_to(data).parts
        if file.suffix.lower() == ".csv" and file not in attached:
            _without_lines(file, sought)
            changed.append(file)
        elif is_packed and file not in attached:
            left.append(file)
        else:
            file.unlink()
            deleted.append(file)
    return Files(tuple(changed), tuple(deleted), tuple(left))


def _attached(data: Path, needles: Needles) -> list[Path]:
    sought = needles.compiled()
    headers = mapping_seed("inbox_headers.csv")
    return files_of(data / "inbox", headers, lambda key: sought.search(key) is not None)


def _ours(data: Path) -> Iterator[Path]:
    for file in sorted(data.rglob("*")):
        if file.relative_to(data).parts[0] in OTHERS or file.is_symlink() or not file.is_file():
            continue
        if not _DATABASES.search(file.name):
            yield file


def _holds(file: Path, sought: re.Pattern[bytes]) -> bool:
    if file.suffix.lower() == ".gz":
        with gzip.open(file) as unpacked:
            return sought.search(unpacked.read()) is not None
    if file.suffix.lower() in PACKED and zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            return any(sought.search(packed.read(name)) for name in packed.namelist())
    return sought.search(file.read_bytes()) is not None


def _without_lines(file: Path, sought: re.Pattern[bytes]) -> None:
    """Keeps every other record byte for byte, records of several lines included."""
    fresh = file.with_name(f".{file.name}.rewritten")
    taken: list[str] = []

    def lines() -> Iterator[str]:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="") as old:
            for line in old:
                taken.append(line)
                yield line

    csv.field_size_limit(2**31 - 1)
    with fresh.open("w", encoding="utf-8", errors="surrogateescape", newline="") as new:
        fresh.chmod(0o600)
        for _record in csv.reader(lines()):
            text = "".join(taken)
            taken.clear()
            if not sought.search(text.encode("utf-8", "surrogateescape")):
                new.write(text)
    fresh.replace(file)
