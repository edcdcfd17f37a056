"""One source record on its way into a raw table, whichever lane brought it."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """One row of a raw table, `_dlt_load_id` aside. `fetched_at` is UTC."""

    record_key: str
    payload: bytes
    content_hash: str
    request: str
    fetched_at: datetime


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
