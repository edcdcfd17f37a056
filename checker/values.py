"""Whether the destination holds what the plan wants of one column. The checker's own normaliser.

A text is compared trimmed and composed (NFC), a number to nine digits, a list without its order,
an address by what was sent of it. Labels are compared as option ids, parents as ids.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from checker.destination import Destination
from checker.ledger import Ledger
from checker.plan import Plan

NOTHING: Final = object()
_BY_VALUE: Final = frozenset({"emails", "phones"})
_FILLED_IN: Final = frozenset({"owner_id", "visible_to"})
_MEMBERS: Final[dict[str, tuple[str, ...]]] = {"prices": ("price", "currency")}


def held_value(
    entity: str, column: str, record: Mapping[str, Any], plan: Plan, there: Destination
) -> Any:
    """A column's value in a record; None if the account has no such field."""
    if not column.endswith("__c"):
        return record.get(_native(column))
    known = there.fields.get((entity, plan.names.get((entity, column), "")))
    return (record.get("custom_fields") or {}).get(known.code) if known else None


def wanted_value(  # noqa: PLR0917
    entity: str, column: str, planned: Any, plan: Plan, there: Destination, ledger: Ledger
) -> Any:
    """What the plan wants, in the destination's terms; NOTHING if it cannot be said."""
    if _is_empty(planned):
        return None
    if column.endswith("__source_key"):
        parent = ledger.known.get(planned)
        return NOTHING if parent is None or parent.id is None else parent.id
    kind = "set" if column == "label_names" else plan.types.get((entity, column), "native")
    if kind not in ("enum", "set"):
        return planned
    name = "label_ids" if column == "label_names" else plan.names[entity, column]
    known = there.fields.get((entity, name))
    labels = planned if isinstance(planned, list) else [planned]
    if known is None or any(label not in known.options for label in labels):
        return NOTHING
    ids = [known.options[label] for label in labels]
    return ids if kind == "set" else ids[0]


def agrees(column: str, wanted: Any, held: Any, *, as_subset: bool) -> bool:
    """Equal, or for lists that others may add to, contained."""
    if wanted is NOTHING:
        return False
    if as_subset:
        return elements(column, wanted) <= elements(column, held)
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        return all(plain(held.get(name)) == plain(one) for name, one in wanted.items() if one)
    return bool(plain(_members(column, wanted)) == plain(_members(column, held)))


def is_default(column: str, held: Any) -> bool:
    """Whether the destination may have filled this in by itself, where a create named nothing: the
    owner is the token's, the visibility the account's, a product gets a price of nothing."""
    if column == "prices":
        return all(isinstance(one, Mapping) and not one.get("price") for one in held or [])
    return column in _FILLED_IN


def elements(column: str, value: Any) -> frozenset[str]:
    """The elements of a list by what makes them themselves."""
    found = []
    for one in value or []:
        inner = one.get("value") if column in _BY_VALUE and isinstance(one, Mapping) else one
        found.append(json.dumps(plain(inner), sort_keys=True).casefold())
    return frozenset(found)


def plain(value: Any) -> Any:
    """A value without what the destination may change about its form."""
    if isinstance(value, list):
        kept = [one for one in (plain(each) for each in value) if one is not None]
        return sorted(kept, key=lambda one: json.dumps(one, sort_keys=True)) or None
    if isinstance(value, Mapping):
        pairs = {name: plain(one) for name, one in value.items()}
        return {name: one for name, one in sorted(pairs.items()) if one is not None} or None
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(f"{float(value):.9g}")
    return unicodedata.normalize("NFC", str(value)).strip() or None


def _members(column: str, value: Any) -> Any:
    names = _MEMBERS.get(column)
    if names is None or not isinstance(value, list):
        return value
    return [{name: one.get(name) for name in names} for one in value]


def _native(column: str) -> str:
    if column == "label_names":
        return "label_ids"
    return column.removesuffix("__source_key") + "_id" if column.endswith("_key") else column


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
