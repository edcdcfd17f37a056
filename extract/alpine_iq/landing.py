"""The raw tables of Alpine IQ: which schema, filled how."""

from __future__ import annotations

from typing import Final

from extract.landing import Dataset

ALPINE_IQ: Final = Dataset(
    "raw_alpine_iq",
    "alpine_iq",
    load_workers=4,
    duckdb_settings={"checkpoint_threshold": "1GB"},
    resumable=True,  # the journal holds what was read
)
