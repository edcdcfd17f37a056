"""Files of the inbox: which kind each is by its name, what account and time it speaks of, its text.

| name | kind |
|---|---|
| `{uid}-{audience}-{epoch}-rp.csv` | personas |
| `{uid}-{audience}-{from}-{to}-sl.csv` | sales_lines |
| `{uid}-{audience}-{epoch}-bl.csv` | hidden_contacts |
| `*loyalty*.json` | loyalty_snapshot |
| `files/manifest.csv` | files |

Text may be UTF-8 with or without a byte order mark, UTF-16 or Windows-1252. Times are UTC.
Raises `UnicodeDecodeError` for bytes that are none of these.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

PERSONAS: Final = "personas"
SALES_LINES: Final = "sales_lines"
HIDDEN_CONTACTS: Final = "hidden_contacts"
LOYALTY_SNAPSHOT: Final = "loyalty_snapshot"
FILES: Final = "files"
KINDS: Final = (PERSONAS, SALES_LINES, HIDDEN_CONTACTS, LOYALTY_SNAPSHOT, FILES)
MANIFEST: Final = "files/manifest.csv"

_STEM: Final = r"(?P<uid>[^-]+)-(?P<audience>.+)-"
_NAMES: Final = (
    (PERSONAS, re.compile(_STEM + r"(?P<until>\d+)-rp\.csv", re.IGNORECASE)),
    (SALES_LINES, re.compile(_STEM + r"\d+-(?P<until>\d+)-sl\.csv", re.IGNORECASE)),
    (HIDDEN_CONTACTS, re.compile(_STEM + r"(?P<until>\d+)-bl\.csv", re.IGNORECASE)),
    (LOYALTY_SNAPSHOT, re.compile(r".*loyalty.*\.json", re.IGNORECASE)),
)
_SERVICE_BEGAN: Final = 1_420_070_400  # 2015-01-01 UTC
_SAMPLE: Final = 4_096
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class InboxFile:
    """One file that may be landed. `digest` is of its bytes; `as_of` is when it was true."""

    path: Path
    kind: str
    uid: str
    audience: str
    digest: str
    as_of: datetime

    @property
    def name(self) -> str:
        """As a path in the inbox."""
        return MANIFEST if self.kind == FILES else self.path.name

    @property
    def origin(self) -> str:
        """How raw rows name the file that they came from."""
        return f"inbox/{self.name}@{self.digest[:16]}"


def find_files(folder: Path) -> tuple[list[InboxFile], list[str]]:
    """Files to land, oldest first, and the names of those that nobody will read."""
    known, strange = [], []
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in entries:
        if not path.is_file() or path.name.startswith("."):
            continue
        found = _recognised(path)
        if found is None:
            strange.append(path.name)
        else:
            known.append(found)
    manifest = folder / MANIFEST
    if manifest.is_file() and not manifest.is_symlink():
        written = datetime.fromtimestamp(manifest.stat().st_mtime, UTC)
        known.append(InboxFile(manifest, FILES, "", "", _digest(manifest), written))
    known.sort(key=lambda file: (KINDS.index(file.kind), file.as_of, file.name))
    return known, strange


def encoding_of(path: Path) -> str:
    """The encoding of a file: by its mark, by its zero bytes, else the first that decodes it."""
    with path.open("rb") as opened:
        sample = opened.read(_SAMPLE)
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    try:
        _decode_through(path, "utf-8")
    except UnicodeDecodeError:
        _decode_through(path, "cp1252")
        return "cp1252"
    return "utf-8"


def _decode_through(path: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            decoder.decode(block)
    decoder.decode(b"", final=True)


def _recognised(path: Path) -> InboxFile | None:
    for kind, pattern in _NAMES:
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        said = match.groupdict()
        written = path.stat().st_mtime
        until = float(said.get("until") or 0)
        # a sales export's last day of sales is not the time at which it was made
        is_dated = kind != SALES_LINES and _SERVICE_BEGAN < until <= written + 86_400
        as_of = datetime.fromtimestamp(until if is_dated else written, UTC)
        uid, audience = said.get("uid") or "", said.get("audience") or ""
        return InboxFile(path, kind, uid, audience, _digest(path), as_of)
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
