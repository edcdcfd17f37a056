"""Files that belong to records: the folder `inbox/files/` and its `manifest.csv`.

A line of the manifest names one file of the folder, the contact whose it is, what it is and, for a
file of an order, the receipt (transaction id). Only plain files that stand in the folder itself are
taken: no path, no link, nothing empty. Sizes are bytes.

What is wrong becomes a problem of the manifest's line; `contents` raises `ConfigError` for a file
that changed since it was checked.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from extract.inbox.files import FILES, MANIFEST, InboxFile, find_files
from extract.inbox.headers import Column, read_headers
from extract.inbox.rows import Export
from load.errors import ConfigError

_REQUIRED: Final = (("contactID", "contact_id"), ("kind", "kind"))


@dataclass(frozen=True, slots=True)
class Attached:
    """One line of the manifest: `key` is contact, receipt and file; `members` its values."""

    line: int
    key: str
    name: str
    members: Mapping[str, object]


def attached(export: Export) -> Iterator[Attached]:
    """Lines of the manifest, each with its file; what is wrong is added to `export.problems`."""
    folder = export.file.path.parent
    first_lines: dict[str, int] = {}
    if folder.is_symlink():
        export.problem(1, "", "the folder files is a link; put the folder itself there")
        return
    for row in export.rows():
        members = msgspec.json.decode(row.payload, type=dict[str, object])
        for member, header in _REQUIRED:
            if not _text(members, member):
                export.problem(row.line, header, "the value is empty")
        wrong = _wrong(folder, row.key)
        if wrong:
            export.problem(row.line, "file", wrong)
        key = f"{_text(members, 'contactID')}:{_text(members, 'transactionID')}:{row.key}"
        first = first_lines.setdefault(key, row.line)
        if first != row.line:
            export.problem(row.line, "file", f"it stands on line {first} already; keep one")
        yield Attached(row.line, key, row.key, members)


def unnamed(inbox: Path, manifest: InboxFile | None, columns: Mapping[str, Column]) -> list[str]:
    """Files of the folder that no line names, as paths in the inbox."""
    folder = (inbox / MANIFEST).parent
    if folder.is_symlink() or not folder.is_dir():
        return []
    read: set[str] = set()  # a manifest that is a link is not read either
    if manifest is not None:
        read = {each.name for each in attached(Export(manifest, columns))} | {manifest.path.name}
    there = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    return [f"{folder.name}/{name}" for name in there if name not in read]


def files_of(inbox: Path, headers_seed: Path, is_theirs: Callable[[bytes], bool]) -> list[Path]:
    """Files that the manifest gives to these contacts and to nobody else."""
    manifest = next((file for file in find_files(inbox)[0] if file.kind == FILES), None)
    if manifest is None:
        return []
    owners: dict[str, list[bool]] = {}
    for each in attached(Export(manifest, read_headers(headers_seed).get(FILES, {}))):
        contact_id = _text(each.members, "contactID").encode()
        owners.setdefault(each.name, []).append(is_theirs(contact_id))
    folder = manifest.path.parent
    return [
        folder / name
        for name, theirs in owners.items()
        if all(theirs) and not _wrong_name(name) and (folder / name).is_file()
    ]


def contents(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file, which from now on only its owner can read."""
    try:
        # a pipe that took the file's place must not be waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode):
                os.fchmod(descriptor, 0o600)
                return found.st_size, hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror
    else:
        reason = "no plain file"
    raise ConfigError(
        f"inbox/{MANIFEST} names a file that can't be taken any more ({reason}); "
        "run `aiq2pd inbox check`"
    )


def _wrong(folder: Path, name: str) -> str:
    """What is wrong with a file; empty when nothing is. An empty name is told by the export."""
    if _wrong_name(name):
        return "expected the name of a file in inbox/files, without a folder or a leading dot"
    try:
        found = (folder / name).lstat()  # of a link itself, never of what it leads to
    except OSError:
        return "there is no such file in inbox/files; put it there or take the line out"
    if not stat.S_ISREG(found.st_mode):
        return "not a plain file; put the file itself there, no link and no folder"
    return "" if found.st_size else "the file is empty"


def _wrong_name(name: str) -> bool:
    return name.startswith(".") or bool(set(name) & set("/\\")) or not name.isprintable()


def _text(members: Mapping[str, object], name: str) -> str:
    return str(members.get(name) or "").strip()
