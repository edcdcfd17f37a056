"""The frozen plan as the checker reads it: the Parquet files, nothing of the loader's code.

Raises `FileNotFoundError` for a folder without a plan, `ValueError` for changed files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

ENTITIES: Final = {
    "organization": "plan_organizations",
    "person": "plan_persons",
    "product": "plan_products",
    "deal": "plan_deals",
    "deal_product": "plan_deal_products",
    "note": "plan_notes",
    "activity": "plan_activities",
    "file": "plan_files",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row: what the plan wants of one record."""

    entity: str
    source_key: str
    action: str
    reason: str | None
    new_hash: str | None
    payload: Mapping[str, Any]


@dataclass(slots=True)
class Plan:
    """Rows by source key; names and policies of columns; ranks of options, 0 the lowest."""

    rows: dict[str, Wanted] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    types: dict[tuple[str, str], str] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    ranks: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)


def read_plan(folder: Path) -> Plan:
    """Reads a frozen plan, after checking that its files are those that were frozen."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, expected in manifest["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            message = f"plan {folder.name}: {name} is not what was frozen"
            raise ValueError(message)
    plan = Plan()
    for table in ENTITIES.values():
        for row in pq.read_table(folder / f"{table}.parquet").to_pylist():
            plan.rows[row["source_key"]] = Wanted(
                row["entity"],
                row["source_key"],
                row["action"],
                row["reason"],
                row["new_hash"],
                json.loads(row["payload"] or "{}"),
            )
    for row in pq.read_table(folder / "plan_fields.parquet").to_pylist():
        place = (row["entity"], row["column_name"])
        plan.names[place] = row["field_name"]
        plan.types[place] = row["field_type"]
        plan.policies[place] = row["on_update"]
    for row in pq.read_table(folder / "plan_field_options.parquet").to_pylist():
        place = (row["entity"], row["column_name"])
        plan.ranks.setdefault(place, {})[row["option_label"]] = row["rank"]
    return plan
