"""What the account's fields would need to become those of the catalogue: a plan, no call.

    create        the account has no such field
    add           options or labels that the account's field lacks
    adopt         the committed codes, or name and type, say that a field there is meant
    rename        ours, and the catalogue calls it otherwise now
    replace       ours, and its type changed: delete and make again, if it holds our values only
    prune         ours, and the catalogue dropped it: delete, if it holds our values only
    left          an administrator renamed or deleted it, or it is not ours to change; `why` says
                  what to do
    clash         another field of the same name stands in the way; nothing can start

A field is known by the ledger's code, then by the committed code, then by name and type. Costs are
tokens of the writes; looking for values of others comes on top (10 per 500 records).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from load.ledger.catalog import FieldCode, field_codes
from load.ledger.store import Ledger
from load.plan import PlanField
from load.wanted import folded

Action = Literal["create", "add", "adopt", "rename", "replace", "prune", "left", "clash"]
Listed = Mapping[str, Sequence[Mapping[str, Any]]]
WRITE_COST: Final = 5
DELETE_COST: Final = 3
_TOKENS: Final[dict[str, int]] = {
    "create": WRITE_COST,
    "add": WRITE_COST,
    "rename": WRITE_COST,
    "replace": WRITE_COST + DELETE_COST,
    "prune": DELETE_COST,
}


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """One field and what is to be done about it; `was` and `becomes` are names or types."""

    action: Action
    entity: str
    column_name: str
    field_code: str
    was: str
    becomes: str
    why: str
    planned: PlanField | None = None

    @property
    def tokens(self) -> int:
        return _TOKENS.get(self.action, 0)


def schema_steps(ledger: Ledger, wanted: Sequence[PlanField], listed: Listed) -> list[SchemaStep]:
    """Every field that is not as the catalogue has it, catalogue first, dropped ones last."""
    known = field_codes(ledger)
    ours = made_by_us(ledger)
    steps = [step for one in wanted if (step := _step(one, known, ours, listed)) is not None]
    named = {(one.entity, one.column_name) for one in wanted}
    for place, code in sorted(known.items()):
        if place not in named and code.state == "active" and _remote(listed, code) is not None:
            steps.append(_dropped(code, is_ours=place in ours))
    return steps


def to_confirm(ledger: Ledger, wanted: Sequence[PlanField], listed: Listed) -> list[SchemaStep]:
    """Fields of others that would be taken for ours by name and type alone.

    Neither the ledger nor a committed code knows them. One that a killed run was about to make is
    not among them.
    """
    known = field_codes(ledger)
    return [
        step
        for step in schema_steps(ledger, wanted, listed)
        if step.action == "adopt"
        and (step.entity, step.column_name) not in known
        and step.planned is not None
        and step.field_code not in step.planned.field_codes
    ]


def made_by_us(ledger: Ledger) -> set[tuple[str, str]]:
    """Fields that a run of this ledger made, by entity and column."""
    rows = ledger.db.execute(
        "select entity, column_name from field_codes where created_by_run is not null"
    )
    return {(row["entity"], row["column_name"]) for row in rows}


def _step(
    one: PlanField,
    known: Mapping[tuple[str, str], FieldCode],
    ours: set[tuple[str, str]],
    listed: Listed,
) -> SchemaStep | None:
    place = (one.entity, one.column_name)
    code = known.get(place)
    if code is not None and code.state == "active":
        remote = _remote(listed, code)
        if remote is None:
            return _made(
                "left", one, code.field_code, code.field_name, "",
                "deleted by an administrator: restore it in Pipedrive, or drop its line from"
                " seeds/mapping/fields.csv",
            )  # fmt: skip
        return _known_field(one, code, remote, is_ours=place in ours)
    return _unknown_field(one, listed)


def _known_field(
    one: PlanField, code: FieldCode, remote: Mapping[str, Any], *, is_ours: bool
) -> SchemaStep | None:
    there, kind = str(remote["field_name"]), str(remote["field_type"])
    if kind != one.field_type:
        if not is_ours:
            return _made(
                "clash", one, code.field_code, kind, one.field_type,
                "the field was there before us: give ours another field_name in"
                " seeds/mapping/fields.csv",
            )  # fmt: skip
        return _made(
            "replace", one, code.field_code, kind, one.field_type,
            "its type changed: it is deleted with its values and made again; the next plan"
            " sends the values",
        )  # fmt: skip
    if folded(there) == folded(one.field_name):
        return None
    if not is_ours:
        return _made("left", one, code.field_code, there, one.field_name,
                     "the field was there before us: its name stays")  # fmt: skip
    if folded(there) != folded(code.field_name):
        return _made("left", one, code.field_code, code.field_name, there,
                     "renamed by an administrator: the name stays, the field is found by its"
                     " code")  # fmt: skip
    return _made("rename", one, code.field_code, there, one.field_name, "the catalogue's new name")


def _unknown_field(one: PlanField, listed: Listed) -> SchemaStep:
    custom = [remote for remote in listed[one.entity] if remote["is_custom_field"]]
    by_code = [remote for remote in custom if remote["field_code"] in one.field_codes]
    same = by_code or [
        remote for remote in custom if folded(remote["field_name"]) == folded(one.field_name)
    ]
    if not same:
        return _made("create", one, "", "", one.field_name, "the account has no such field")
    if len(same) > 1:
        return _made("clash", one, "", one.field_name, "",
                     f"the account has {len(same)} custom fields of this name: rename all but"
                     " one")  # fmt: skip
    found = same[0]
    if found["field_type"] != one.field_type:
        return _made(
            "clash", one, str(found["field_code"]), str(found["field_type"]), one.field_type,
            "a field of this name has another type: rename it in Pipedrive, or give ours another"
            " field_name in seeds/mapping/fields.csv",
        )  # fmt: skip
    why = "its code is committed" if by_code else (
        "same name and type: taken for ours once its code is committed"
    )  # fmt: skip
    return _made("adopt", one, str(found["field_code"]), str(found["field_name"]),
                 one.field_name, why)  # fmt: skip


def _dropped(code: FieldCode, *, is_ours: bool) -> SchemaStep:
    why = "the catalogue dropped it: it is deleted if it holds our values only"
    if not is_ours:
        why = "the catalogue dropped it, and it was there before us: it stays"
    return SchemaStep(
        "prune" if is_ours else "left", code.entity, code.column_name, code.field_code,
        code.field_name, "", why,
    )  # fmt: skip


def _made(  # noqa: PLR0917
    action: Action, one: PlanField, code: str, was: str, becomes: str, why: str
) -> SchemaStep:
    return SchemaStep(action, one.entity, one.column_name, code, was, becomes, why, one)


def _remote(listed: Listed, code: FieldCode) -> Mapping[str, Any] | None:
    return next(
        (one for one in listed.get(code.entity, ()) if one["field_code"] == code.field_code), None
    )
