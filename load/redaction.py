"""What of an error answer may be told: the destination's code, the field, a reason we know.

Error texts echo values of the record, so they are never repeated. A field is named only if it is a
key of our own body or query, or has the form of a custom field's code; a reason only if it is one
of the list here. Raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

REASONS: Final = (
    "Unknown key",
    "is not allowed for this request",
    "Expected 'number'",
    "Expected 'string'",
    "Expected 'boolean'",
    "Expected 'array'",
    "Expected 'object'",
    "value expected 'object'",
    "Invalid collection",
    "not a valid datetime",
    "is not a valid 'string'",
    "is not a valid 'integer'",
    "is not a valid 'number'",
    "Cannot set 'name' and 'first_name'/'last_name' at the same time",
    "Name must be given",
    "Invalid field(s) in the payload",
    "does not exist or you have no permissions",
    "does not exist",
    "was not found",
    "not found",
    "limit reached",
    "limit per company",
    "Scope and URL mismatch",
    "Bad request",
)
UNKNOWN_REASON: Final = "for a reason that is not repeated here (it may hold values)"

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}|[0-9]{1,6}")
_FIELD_CODE: Final = re.compile(r"\b[0-9a-f]{40}\b")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The telling parts of an error answer."""

    reason: str
    code: str | None
    field: str | None


def refusal(answer: Any, sent: Any) -> Refusal:
    """Reads an error body; `sent` is the body or query that it answers."""
    if not isinstance(answer, dict):
        return Refusal(UNKNOWN_REASON, None, None)
    text = str(answer.get("error") or "")
    reason = next((known for known in REASONS if known in text), UNKNOWN_REASON)
    return Refusal(reason, _code(answer), _field(text, sent))


def _code(answer: dict[str, Any]) -> str | None:
    for name in ("code", "errorCode"):
        value = answer.get(name)
        if isinstance(value, str | int) and _CODE.fullmatch(str(value)):
            return str(value)
    return None


def _field(text: str, sent: Any) -> str | None:
    """The custom field's code if one is named, else the first of our own keys in the text."""
    if found := _FIELD_CODE.search(text):
        return found.group()
    ours = set(_keys(sent))
    return next((word for word in _WORD.findall(text) if word in ours), None)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
