"""Epoch seconds to the two time texts of the API: v2 RFC 3339 and v1 with a space, both UTC."""

from __future__ import annotations

import time
from functools import lru_cache


@lru_cache(maxsize=64)
def _text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def v2_time(now: float) -> str:
    return _text(int(now))


def v1_time(now: float) -> str:
    return spaced(_text(int(now)))


def spaced(text: str) -> str:
    """`2026-03-01T09:30:00Z` as `2026-03-01 09:30:00`."""
    return f"{text[:10]} {text[11:19]}"
