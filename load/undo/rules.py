"""What an undo may do to a record and to a column, as pure functions.

A record of ours may be deleted as long as each of its columns holds what we wrote, and nobody
filled a column that we left empty. A column may be put back as long as it holds what we wrote. A
column whose options are ranked is never put back to a higher rank, and cleared only from the
highest one: what is lost by that is listed, not repaired. A link to a parent cannot be cleared, nor
can most native values: the API documents no empty value for them. Times of closing go with the
status.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final, Literal

from load.ledger.records import Record
from load.merge import element_hashes, one_primary, raises
from load.payload import (
    CUSTOM_SUFFIX,
    Catalog,
    api_name,
    current_value,
    is_empty,
    is_lasting_link,
    is_lasting_value,
    target_hash,
)

# what people fill in that a load may have left empty
_WATCHED: Final = {
    "organization": (
        "address", "website", "linkedin", "industry", "annual_revenue", "employee_count",
        "label_ids",
    ),
    "person": (
        "emails", "phones", "org_id", "label_ids", "job_title", "birthday", "postal_address",
        "notes", "im",
    ),
    "product": ("code", "description", "unit", "category", "tax"),
    "deal": (
        "person_id", "org_id", "label_ids", "expected_close_date", "probability", "lost_reason",
        "is_archived",
    ),
    "note": ("pinned_to_deal_flag", "pinned_to_person_flag", "pinned_to_organization_flag"),
    "activity": ("deal_id", "location", "outcome", "priority", "public_description"),
    "file": ("description", "org_id", "product_id"),
    "deal_product": ("discount", "tax"),
}  # fmt: skip
# the server sets these by itself: a line's tax method follows its neighbours
_NOT_COMPARED: Final = {"deal_product": ("deal__source_key", "tax_method")}

# the server fills these where a load left them empty
_FILLED_BY_SERVER: Final = frozenset({
    "owner_id", "visible_to", "prices", "currency", "value", "status", "add_time", "user_id",
})  # fmt: skip

# the server empties these when the status that they belong to goes
CLOSING_TIMES: Final = frozenset({"won_time", "lost_time", "close_time"})

Verdict = Literal["restore", "same", "spare", "narrowed", "stuck", "follows"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that we wrote: what it held before, what may be ours in it, how it is ranked."""

    name: str
    before: Any
    ours: Set[str]
    own_elements: Set[str] | None = None
    ranks: Mapping[int, int] | None = None
    # of a record that others made: what is missing of a list, they have taken out
    is_adopted: bool = False


def touched(record: Record, found: Mapping[str, Any], catalog: Catalog, *, salt: str) -> list[str]:
    """Columns of a record of ours that do not hold what we left there."""
    entity, skipped = record.entity, set(_NOT_COMPARED.get(record.entity, ()))
    if record.value_check == "due":
        skipped.add("value")
    changed = [
        column
        for column, expected in record.target_hashes.items()
        if column not in skipped
        and not (column in _FILLED_BY_SERVER and expected == target_hash(column, None, salt=salt))
        and target_hash(column, current_value(entity, column, found, catalog), salt=salt)
        != expected
    ]
    written = {api_name(column) for column in record.target_hashes}
    filled = [name for name in _WATCHED[entity] if name not in written and found.get(name)]
    codes = {catalog.code(entity, column) for column in record.target_hashes}
    custom = found.get("custom_fields") or {}
    filled += [
        _name_of(entity, code, catalog)
        for code, value in custom.items()
        if code not in codes and not is_empty(value)
    ]
    return changed + filled


def _name_of(entity: str, code: str, catalog: Catalog) -> str:
    for (owner, column), known in catalog.codes.items():
        if owner == entity and known.field_code == code:
            return column
    return "a field of others"


def put_back(column: Column, current: Any, *, salt: str) -> tuple[Verdict, Any]:
    """Whether a column is put back, and the value to send. The API takes no null for a link."""
    name, before = column.name, column.before
    now = target_hash(name, current, salt=salt)
    if now == target_hash(name, before, salt=salt):
        return "same", current
    is_ours = now in column.ours
    if column.ranks is not None:
        if not is_ours:
            return "spare", current
        return ("narrowed" if raises(current, before, column.ranks) else "restore"), before
    if is_ours and column.own_elements is None:
        return _undone(name, before), before
    if column.own_elements is not None:
        restored = _with_theirs if is_ours else _without_ours
        left = restored(column, current, salt=salt)
        return ("spare", current) if left == current else ("restore", left)
    return "spare", current


def _undone(name: str, before: Any) -> Verdict:
    if name in CLOSING_TIMES and is_empty(before):
        return "follows"
    lasts = is_lasting_link(name, before) or is_lasting_value(name, before)
    return "stuck" if lasts else "restore"


def _with_theirs(column: Column, current: Any, *, salt: str) -> list[Any]:
    """What a list held before, and what people gave it before our last update: that update kept
    theirs, so that the whole list looks like ours."""
    before = list(column.before or [])
    left = _without_ours(column, current, salt=salt)
    was = dict(zip(element_hashes(column.name, before, salt=salt), before, strict=True))
    there = set(element_hashes(column.name, left, salt=salt))
    if there == was.keys() or (there < was.keys() and not column.is_adopted):
        return before
    taken_out = [element for key, element in was.items() if key not in there]
    return one_primary(left, [] if column.is_adopted else taken_out)


def _without_ours(column: Column, current: Any, *, salt: str) -> list[Any]:
    """A list that people changed since: only our elements leave it."""
    before = set(element_hashes(column.name, column.before, salt=salt))
    elements = list(current or [])
    hashes = element_hashes(column.name, elements, salt=salt)
    own = column.own_elements or frozenset()
    return [
        element
        for element, key in zip(elements, hashes, strict=True)
        if key not in own or key in before
    ]


def sendable(column: str, value: Any) -> Any:
    """A value that the API gave, in the form in which it takes it."""
    if is_empty(value):
        return [] if column in ("emails", "phones", "label_names", "prices") else None
    if column == "prices":
        return [_plain(entry, without=("product_id",)) for entry in value]
    if isinstance(value, Mapping):
        return _plain(value, without=("formatted_address",))
    return value


def _plain(entry: Mapping[str, Any], *, without: tuple[str, ...]) -> dict[str, Any]:
    return {name: item for name, item in entry.items() if item is not None and name not in without}


def is_custom(column: str) -> bool:
    return column.endswith(CUSTOM_SUFFIX)
