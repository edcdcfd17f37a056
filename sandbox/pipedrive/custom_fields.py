"""Values of custom fields: what v2 accepts by type, and how it shows them.

`accept` returns the values to store (None clears) and problems that name the field's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sandbox.pipedrive.currencies import CURRENCIES
from sandbox.pipedrive.field_registry import FieldDefinition
from sandbox.pipedrive.shape import CLOCK_TIME, is_day, is_integer, is_number

if TYPE_CHECKING:
    from sandbox.pipedrive.account import Account

SHORT: Final = 255
LONG: Final = 65_535
ADDRESS_PARTS: Final = (
    "value",
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
)


class Refused(Exception):
    """A value that the field does not take; the text is the reason."""


def accept(
    account: Account, entity: str, values: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    accepted: dict[str, Any] = {}
    problems: list[str] = []
    known = account.fields.by_entity[entity]
    for code, value in values.items():
        definition = known.get(code)
        if definition is None or not definition.is_custom:
            problems.append(f"custom_fields: Unknown key '{code}'")
            continue
        if value is None:
            accepted[code] = None
            continue
        try:
            accepted[code] = _ACCEPT[definition.type](account, definition, value)
        except Refused as refusal:
            problems.append(f"custom_fields.{code}: {refusal}")
    return accepted, problems


def _short_text(account: Account, _definition: FieldDefinition, value: Any) -> str | None:
    if not isinstance(value, str):
        reason = "Expected 'string' as short text custom field value"
        raise Refused(reason)
    text = value.strip() if account.switches.trim_text else value
    if len(text) > SHORT:
        if account.switches.long_varchar == "cut":
            return text[:SHORT]
        reason = f"The value is longer than {SHORT} characters"
        raise Refused(reason)
    return text or None


def _long_text(_account: Account, _definition: FieldDefinition, value: Any) -> str | None:
    if not isinstance(value, str):
        reason = "Expected 'string' as large text custom field value"
        raise Refused(reason)
    if len(value) > LONG:
        reason = f"The value is longer than {LONG} characters"
        raise Refused(reason)
    return value or None


def _number(_account: Account, _definition: FieldDefinition, value: Any) -> float:
    if isinstance(value, dict | list):
        reason = "Invalid collection"
        raise Refused(reason)
    if not is_number(value):
        reason = "Expected 'number' as value for numeric custom field"
        raise Refused(reason)
    return float(value) if isinstance(value, float) else int(value)


def _keys(value: Any, needed: set[str], optional: set[str], name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        reason = f"{name} custom field value expected 'object'"
        raise Refused(reason)
    unknown = sorted(value.keys() - needed - optional)
    missing = sorted(needed - value.keys())
    if unknown or missing:
        named = ", ".join(unknown or missing)
        reason = f"{'Unknown' if unknown else 'Missing'} key {named} in {name} custom field value"
        raise Refused(reason)
    return value


def _money(_account: Account, _definition: FieldDefinition, value: Any) -> dict[str, Any]:
    parts = _keys(value, {"value", "currency"}, set(), "Monetary")
    if not is_number(parts["value"]) or parts["currency"] not in CURRENCIES:
        reason = "Expected a number and a known currency in monetary custom field value"
        raise Refused(reason)
    return {"value": parts["value"], "currency": parts["currency"]}


def _option(_account: Account, definition: FieldDefinition, value: Any) -> int:
    if not is_integer(value):
        reason = "Expected 'number' as value for single option custom field"
        raise Refused(reason)
    if value not in definition.options:
        reason = f"Option {value} does not exist"
        raise Refused(reason)
    return int(value)


def _options(_account: Account, definition: FieldDefinition, value: Any) -> list[int]:
    if not isinstance(value, list) or not value:
        reason = "Expected a non-empty 'array' as value for multiple option custom field"
        raise Refused(reason)
    for item in value:
        _option(_account, definition, item)
    return list(dict.fromkeys(value))


def _day(_account: Account, _definition: FieldDefinition, value: Any) -> str:
    if not is_day(value):
        reason = "The value is not a valid date"
        raise Refused(reason)
    return str(value)


def _days(_account: Account, _definition: FieldDefinition, value: Any) -> dict[str, Any]:
    parts = _keys(value, {"value", "until"}, set(), "Date range")
    if not is_day(parts["value"]) or not is_day(parts["until"]):
        reason = "The value is not a valid date range"
        raise Refused(reason)
    return parts


def _check_clock(*texts: Any) -> None:
    if not all(isinstance(text, str) and CLOCK_TIME.fullmatch(text) for text in texts):
        reason = "The value is not a valid time"
        raise Refused(reason)


def _time(_account: Account, _definition: FieldDefinition, value: Any) -> dict[str, Any]:
    parts = _keys(value, {"value"}, {"timezone_name", "timezone_id"}, "Time")
    _check_clock(parts["value"])
    return parts


def _times(_account: Account, _definition: FieldDefinition, value: Any) -> dict[str, Any]:
    parts = _keys(value, {"value", "until"}, {"timezone_name", "timezone_id"}, "Time range")
    _check_clock(parts["value"], parts["until"])
    return parts


def _address(_account: Account, _definition: FieldDefinition, value: Any) -> dict[str, Any]:
    parts = _keys(value, {"value"}, set(ADDRESS_PARTS), "Address")
    if not isinstance(parts["value"], str) or not parts["value"]:
        reason = "Expected 'string' as address value"
        raise Refused(reason)
    if not all(part is None or isinstance(part, str) for part in parts.values()):
        reason = "Expected 'string' as address part"
        raise Refused(reason)
    return {name: parts.get(name) for name in ADDRESS_PARTS}


def _link(account: Account, definition: FieldDefinition, value: Any) -> int:
    kind = {"org": "organization", "people": "person", "user": "user"}[definition.type]
    if not is_integer(value):
        reason = f"Expected 'number' as value for {kind} custom field"
        raise Refused(reason)
    if not account.store.is_live(kind, value):
        reason = f"The {kind} does not exist"
        raise Refused(reason)
    return int(value)


_ACCEPT: Final[dict[str, Callable[[Account, FieldDefinition, Any], Any]]] = {
    "varchar": _short_text,
    "varchar_auto": _short_text,
    "phone": _short_text,
    "text": _long_text,
    "double": _number,
    "monetary": _money,
    "enum": _option,
    "set": _options,
    "date": _day,
    "daterange": _days,
    "time": _time,
    "timerange": _times,
    "address": _address,
    "user": _link,
    "org": _link,
    "people": _link,
}
CREATABLE: Final = frozenset(_ACCEPT)


def shown(
    account: Account, entity: str, stored: dict[str, Any], *, only: list[str] | None, labels: bool
) -> dict[str, Any]:
    """All custom fields of the entity, those without a value as None."""
    values: dict[str, Any] = dict.fromkeys(account.fields.custom_codes[entity])
    if only is not None:
        values = {code: None for code in values if code in only}
    for code, value in stored.items():
        if code in values:
            values[code] = value
    if not labels and entity not in account.fields.with_lost_options:
        return values
    known = account.fields.by_entity[entity]
    for code, value in values.items():
        if value is None:
            continue
        definition = known[code]
        if definition.type in ("enum", "set") and (labels or definition.lost_options):
            values[code] = _shown_options(definition, value, labels=labels)
    return values


def _shown_options(definition: FieldDefinition, value: Any, *, labels: bool) -> Any:
    ids = value if isinstance(value, list) else [value]
    alive: list[Any] = [number for number in ids if number in definition.options]
    if labels:
        alive = [{"id": number, "label": definition.options[number]["label"]} for number in alive]
    if definition.type == "set":
        return alive or None
    return alive[0] if alive else None
