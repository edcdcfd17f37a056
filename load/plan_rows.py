"""The rows of a frozen plan as values: an intended call, and a column that crosses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One intended call. `changed_fields` and `pipedrive_id` only matter to updates, and so do the
    columns that a person decided: `take_ours` for the plan, `keep_theirs` for the target."""

    entity: str
    source_key: str
    wave: int
    position: int
    action: str
    reason: str | None
    new_hash: str | None
    changed_fields: tuple[str, ...]
    payload: Mapping[str, Any]
    field_hashes: Mapping[str, str]
    pipedrive_id: int | None
    parents: tuple[str, ...]
    token_cost: int
    take_ours: tuple[str, ...] = ()
    keep_theirs: tuple[str, ...] = ()

    @property
    def left_to_people(self) -> frozenset[str]:
        """Columns that a reason names, as in `changed; edited_in_destination: name, med_id__c`."""
        named = (part.partition(": ")[2] for part in (self.reason or "").split("; "))
        return frozenset(column for each in named for column in each.split(", ") if column)


@dataclass(frozen=True, slots=True)
class PlanField:
    """A column that crosses; `field_type` native means that Pipedrive has it already.

    `field_codes` are committed codes of it, one an account; codes of two accounts are never equal.
    """

    entity: str
    column_name: str
    field_name: str
    field_type: str
    on_update: str
    field_codes: tuple[str, ...] = ()


def row_of(values: dict[str, Any]) -> PlanRow:
    """A row as the Parquet file has it."""
    return PlanRow(
        entity=values["entity"],
        source_key=values["source_key"],
        wave=values["wave"],
        position=values["position"],
        action=values["action"],
        reason=values["reason"],
        new_hash=values["new_hash"],
        changed_fields=tuple(values["changed_fields"] or ()),
        payload=json.loads(values["payload"] or "{}"),
        field_hashes=json.loads(values["field_hashes"] or "{}"),
        pipedrive_id=values["pipedrive_id"],
        parents=tuple(values["parents"] or ()),
        token_cost=values["token_cost"] or 0,
        take_ours=tuple(values.get("take_ours") or ()),
        keep_theirs=tuple(values.get("keep_theirs") or ()),
    )
