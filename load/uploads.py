"""The contents that uploads send: files of one folder, by the plan's word, checked as they leave.

A plan names for each upload a file and the SHA-256 that it had when it was checked. It is opened
once, read through for its hash, and sent from the same descriptor in pieces, so that nothing but
what was planned leaves and no more than a piece is in memory. Sizes are bytes.

Raises `ContentRefused` for a file that is not there or not the same any more, and `ConfigError`
where the folder itself is missing. Names of files may be personal and stand in no message.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from load.errors import ConfigError, RecordRejected
from load.plan import CONTENTS_TABLE, FrozenPlan

MISSING: Final = "file_missing"
CHANGED: Final = "file_changed"


class ContentRefused(RecordRejected):
    """What is to be uploaded is not what was planned; `code` says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be sent for a record: under which name, and how large."""

    source_key: str
    name: str = field(repr=False)
    size: int


def as_upload(source_key: str, body: Mapping[str, Any]) -> tuple[Upload, dict[str, Any]]:
    """What a create sends: the content under its name, and the links as fields of a form. The size
    is no field: it shows when all has arrived."""
    links = {name: value for name, value in body.items() if name not in ("name", "file_size")}
    return Upload(source_key, str(body["name"]), int(body["file_size"])), links


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload whose content is open and checked."""

    name: str = field(repr=False)
    size: int
    content: BufferedReader = field(repr=False)


@dataclass(slots=True)
class Uploads:
    """The contents of one plan; `folder` is where they lie."""

    plan: FrozenPlan
    folder: Path | None
    _planned: dict[str, tuple[str, str]] | None = None

    @contextmanager
    def opened(self, upload: Upload) -> Iterator[OpenUpload]:
        """The content of an upload, sure to be the planned one."""
        file, sha256 = self._of(upload)
        with _opened(file) as content:
            size = os.fstat(content.fileno()).st_size
            if size != upload.size or hashlib.file_digest(content, "sha256").hexdigest() != sha256:
                raise ContentRefused(
                    CHANGED,
                    "its file is not the one that was checked and planned; extract, build and"
                    " plan again",
                )
            content.seek(0)
            yield OpenUpload(upload.name, size, content)

    def _of(self, upload: Upload) -> tuple[Path, str]:
        if self.folder is None or not self.folder.is_dir() or self.folder.is_symlink():
            raise ConfigError(
                "the plan uploads files and their folder (inbox/files in the data folder) is not"
                " there; put it back and run again"
            )
        if self._planned is None:
            self._planned = {
                row["source_key"]: (row["attached_file"], row["file_hash"])
                for row in self.plan.table(CONTENTS_TABLE)
            }
        if upload.source_key not in self._planned:
            raise ContentRefused(MISSING, "the plan names no file for it; plan again")
        name, sha256 = self._planned[upload.source_key]
        return self.folder / Path(name).name, sha256


@contextmanager
def _opened(file: Path) -> Iterator[BufferedReader]:
    """A plain file; never what a link leads to, and never a pipe that must be waited for."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ContentRefused(
            MISSING,
            f"its file is not in the folder of uploads any more ({error.strerror}); put it back"
            " and run again",
        ) from None
    with os.fdopen(descriptor, "rb") as content:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ContentRefused(MISSING, "its file is no plain file any more; put it back")
        yield content
