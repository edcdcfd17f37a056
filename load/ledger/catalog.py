"""What was provisioned: field codes and option ids of this account, with their human names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from load.ledger.store import Ledger

ASKED: Final = "options asked for"
ANSWERED: Final = "options known"


@dataclass(frozen=True, slots=True)
class FieldCode:
    """A custom field as this account has it. `state` intent: asked for, answer not seen yet."""

    entity: str
    column_name: str
    field_code: str
    field_name: str
    field_type: str
    state: str


def field_codes(ledger: Ledger) -> dict[tuple[str, str], FieldCode]:
    """All known fields by entity and column."""
    rows = ledger.db.execute(
        "select entity, column_name, field_code, field_name, field_type, state from field_codes"
    )
    return {(row["entity"], row["column_name"]): FieldCode(*row) for row in rows}


def option_ids(ledger: Ledger) -> dict[tuple[str, str], dict[str, int]]:
    """All known options, label -> id, by entity and column."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for entity, column, label, option_id in ledger.db.execute(
        "select entity, column_name, option_label, option_id from option_ids"
    ):
        found.setdefault((entity, column), {})[label] = option_id
    return found


def save_field(ledger: Ledger, code: FieldCode, *, created: bool) -> None:
    """Remembers a field; `created` says that this run made it, so that undo may remove it."""
    with ledger.transaction() as db:
        db.execute(
            "insert into field_codes values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict do update set"
            " field_code = ?3, field_name = ?4, field_type = ?5, state = ?7,"
            " created_by_run = coalesce(created_by_run, ?6)",
            (
                code.entity, code.column_name, code.field_code, code.field_name, code.field_type,
                ledger.run_id if created else None, code.state,
            ),
        )  # fmt: skip


def ask_options(ledger: Ledger, entity: str, column: str, *, above: int) -> None:
    """Written before the call: options of this field with ids above this one are of our making."""
    ledger.event(ASKED, {"entity": entity, "name": column, "above": above})


def options_asked_above(ledger: Ledger) -> dict[tuple[str, str], int]:
    """Fields whose options were asked for by a run that died before it knew them."""
    found: dict[tuple[str, str], int] = {}
    rows = ledger.db.execute(
        "select what, detail from events where what in (?, ?) order by seq", (ASKED, ANSWERED)
    )
    for row in rows:
        detail = json.loads(row["detail"])
        place = (detail["entity"], detail["name"])
        if row["what"] == ANSWERED:
            found.pop(place, None)
        else:
            found.setdefault(place, int(detail["above"]))
    return found


def save_options(
    ledger: Ledger, entity: str, column: str, ids: dict[str, int], *, created: frozenset[str]
) -> None:
    """Remembers options by their label; those in `created` were made by this run."""
    with ledger.transaction() as db:
        if (entity, column) in options_asked_above(ledger):
            ledger.event(ANSWERED, {"entity": entity, "name": column})
        for label, option_id in ids.items():
            db.execute(
                "insert into option_ids values (?1, ?2, ?3, ?4, ?5) on conflict do update set"
                " option_id = ?4, created_by_run = coalesce(created_by_run, ?5)",
                (entity, column, label, option_id, ledger.run_id if label in created else None),
            )


def forget_field(ledger: Ledger, entity: str, column: str) -> None:
    """The field is gone, by our own doing; the next provisioning makes it again if it is wanted."""
    with ledger.transaction() as db:
        place = (entity, column)
        db.execute(
            "update field_codes set state = 'gone' where entity = ? and column_name = ?", place
        )
        db.execute("delete from option_ids where entity = ? and column_name = ?", place)


def forget_values(ledger: Ledger, entity: str, column: str, empty: str) -> None:
    """Every record of ours holds nothing in this column now (`empty` is the hash of nothing)."""
    path = f'$."{column}"'
    with ledger.transaction() as db:
        db.execute(
            "update id_map set payload_hash = null, field_hashes = json_remove(field_hashes, ?1),"
            " target_hashes = json_set(target_hashes, ?1, ?2),"
            " own_elements = json_remove(coalesce(own_elements, '{}'), ?1)"
            " where entity = ?3 and state = 'confirmed'"
            " and json_type(coalesce(field_hashes, '{}'), ?1) is not null",
            (path, empty, entity),
        )
