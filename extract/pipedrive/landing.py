"""The raw tables of the read-back: which schema, filled how, and one answer as a table.

All is read to disk before anything is written, so a read-back that stops half way changes nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Final

from extract.landing import Dataset, table_of
from extract.pipedrive.reader import Rows

if TYPE_CHECKING:
    import pyarrow as pa

PIPEDRIVE: Final = Dataset(
    "raw_pipedrive",
    "pipedrive",
    load_workers=1,
    duckdb_settings={
        "memory_limit": "400MB",
        "preserve_insertion_order": "false",
        "threads": "1",
    },
)


def as_arrow(rows: Rows, *, fetched_at: datetime) -> pa.Table:
    """Rows of one answer in the shape of a raw table."""
    return table_of(
        [row.record_key for row in rows],
        [row.payload for row in rows],
        [hashlib.sha256(row.payload).hexdigest() for row in rows],
        [row.request for row in rows],
        fetched_at,
    )
