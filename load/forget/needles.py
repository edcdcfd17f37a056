"""The texts that stand for a subject, as one pattern that is looked for in rows and in bytes.

A text counts only where no letter or digit stands before or after it, so that the number of one
subject is not found inside the longer number of another.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_PACKED: Final = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")


@dataclass(frozen=True, slots=True)
class Needles:
    """Texts of at least one character; looked for without regard to case."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Needles:
        """Each text once, the longest first; empty ones would be found everywhere."""
        return cls(tuple(sorted({text for text in texts if text}, key=lambda t: (-len(t), t))))

    def __bool__(self) -> bool:
        return bool(self.texts)

    def pattern(self) -> str:
        """For DuckDB's and Python's regular expressions alike."""
        either = "|".join(_quoted(text) for text in self.texts)
        return rf"(?i)(?:^|[^0-9A-Za-z])(?:{either})(?:$|[^0-9A-Za-z])"

    def compiled(self) -> re.Pattern[bytes]:
        either = "|".join(_quoted(text) for text in self.texts).encode()
        return re.compile(rb"(?i)(?<![0-9A-Za-z])(?:" + either + rb")(?![0-9A-Za-z])")


def _quoted(text: str) -> str:
    """Every character that is no letter or digit by its escape; letters beyond ASCII stand."""
    return "".join(c if c.isalnum() or ord(c) > 127 else re.escape(c) for c in text)


def holds(pattern: re.Pattern[bytes], *values: Any) -> bool:
    """Whether a cell of a SQLite row holds a text, packed cells included."""
    for value in values:
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")  # noqa: PLW2901 - one cell, two forms
        if not isinstance(value, bytes):
            continue
        if pattern.search(value):
            return True
        if value[:2] in _PACKED and pattern.search(_unpacked(value)):
            return True
    return False


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""
