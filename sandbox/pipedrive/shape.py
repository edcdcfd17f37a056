"""Strict checks of query strings and bodies against the documented models.

v2 refuses unknown keys, numeric strings and nulls where the model has none; v1 ignores unknown
keys and takes 0 and 1 for flags. Functions return problems as the texts that follow
"Validation failed:"; an empty list means valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from sandbox.pipedrive.catalog import Endpoint, Parameter

RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
SPACED: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
CLOCK_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
LARGEST: Final = 2**53
LISTS: Final = frozenset({"include_fields", "fields", "item_types"})


def is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= LARGEST


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_day(value: Any) -> bool:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def as_instant(value: Any) -> str | None:
    """A whole-second RFC 3339 time as UTC text ending in Z, or None when it is not one."""
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else None


def is_spaced_time(value: Any) -> bool:
    if not isinstance(value, str) or not SPACED.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _fits(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "number":
        return is_number(value)
    if kind == "integer":
        return is_integer(value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind.startswith("array"):
        return isinstance(value, list)
    return isinstance(value, dict)


def check_value(parameter: Parameter, value: Any, where: str) -> list[str]:
    """Problems of one body value against its model."""
    if value is None and parameter.nullable:
        return []
    if not _fits(parameter.type, value):
        return [f"{where}: The value is not a valid '{parameter.type.split('<')[0]}'"]
    if parameter.enum is not None and value not in parameter.enum:
        allowed = ", ".join(map(str, sorted(parameter.enum, key=str)))
        return [f"{where}: The value is not one of the allowed values: {allowed}"]
    return _check_inside(parameter, value, where)


def _check_inside(parameter: Parameter, value: Any, where: str) -> list[str]:
    if parameter.type == "array<number>":
        return [
            f"{where}.{index}: The value is not a valid 'number'"
            for index, item in enumerate(value)
            if not is_integer(item)
        ]
    if not parameter.fields:
        return []
    if parameter.type == "object":
        return check_object(parameter.fields, value, where + ".")
    return _check_items(parameter, value, where)


def _check_items(parameter: Parameter, items: list[Any], where: str) -> list[str]:
    problems: list[str] = []
    for index, item in enumerate(items):
        spot = f"{where}.{index}"
        if isinstance(item, dict):
            problems += check_object(parameter.fields, item, spot + ".")
        else:
            problems.append(f"{spot}: The value is not a valid 'object'")
    return problems


def check_object(fields: dict[str, Parameter], body: dict[str, Any], prefix: str = "") -> list[str]:
    """Problems of a JSON object, unknown and missing keys included."""
    problems: list[str] = []
    for key, value in body.items():
        parameter = fields.get(key)
        if parameter is None or parameter.readonly:
            problems.append(f"{prefix}{key}: Parameter '{key}' is not allowed for this request")
        else:
            problems += check_value(parameter, value, prefix + key)
    problems += [
        f"{prefix}{name}: The value is required"
        for name, parameter in fields.items()
        if parameter.required and name not in body
    ]
    return problems


def _number(text: str) -> int | float | None:
    try:
        value = float(text) if any(mark in text for mark in ".eE") else int(text)
    except ValueError:
        return None
    return value if is_number(value) else None


def _query_value(parameter: Parameter, text: str) -> tuple[Any, str | None]:
    if parameter.type in ("number", "integer"):
        value = _number(text)
        fits = value is not None and (parameter.enum is None or value in parameter.enum)
        return value, None if fits else f"The value is not a valid '{parameter.type}'"
    if parameter.type == "boolean":
        known = {"true": True, "false": False, "1": True, "0": False}
        return known.get(text), None if text in known else "The value is not a valid 'boolean'"
    if parameter.type == "array<number>":
        numbers = [_number(part) for part in text.split(",")]
        fits = all(is_integer(number) for number in numbers)
        return numbers, None if fits else "The value is not a valid 'array'"
    if parameter.enum is not None:
        parts: Iterable[str] = text.split(",") if parameter.name in LISTS else (text,)
        if not all(part in parameter.enum for part in parts):
            return text, "The value is not one of the allowed values"
    return text, None


def check_query(
    endpoint: Endpoint, pairs: list[tuple[str, str]], *, refuse_unknown: bool
) -> tuple[dict[str, Any], list[str]]:
    """Typed query values by name, and the problems found."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for raw_name, text in pairs:
        name = raw_name.removesuffix("[]")
        parameter = endpoint.query.get(name)
        if parameter is None:
            if refuse_unknown:
                problems.append(f"{name}: Parameter '{name}' is not allowed for this request")
            continue
        value, problem = _query_value(parameter, text)
        if problem is not None:
            problems.append(f"{name}: {problem}")
        elif parameter.type == "array<number>":
            values[name] = values.get(name, []) + value
        else:
            values[name] = value
    problems += [
        f"{name}: The value is required"
        for name, parameter in endpoint.query.items()
        if parameter.required and name not in values
    ]
    return values, problems
