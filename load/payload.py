"""From the logical record (mart columns) to the body that the API takes. Pure functions.

    name, emails ...          as they stand
    <name>__c                 custom_fields[<code of this account>], labels as option ids
    label_names               label_ids
    <parent>__source_key      <parent>_id

A create leaves nulls out; an update names the columns and sends null to clear one. Values stay in
the form that `canonical` compares: what the API gives back for the same value is canonically equal.

Raises `RecordRejected` for a label without an option and a custom column without a field.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from load.errors import RecordRejected
from load.ledger.catalog import FieldCode

CUSTOM_SUFFIX: Final = "__c"
PARENT_SUFFIX: Final = "__source_key"
KEY_COLUMN: Final = "migration_key__c"
# sent by `load.archiving` alone, after everything else
ARCHIVED_COLUMN: Final = "is_archived"

_LIST_MEMBERS: Final = {
    "emails": ("value", "primary", "label"),
    "phones": ("value", "primary", "label"),
    "prices": ("price", "currency"),
}
_READ_ONLY_MEMBERS: Final = frozenset({"formatted_address"})


@dataclass(frozen=True, slots=True)
class Catalog:
    """This account's codes and option ids, by entity and column."""

    codes: Mapping[tuple[str, str], FieldCode]
    options: Mapping[tuple[str, str], Mapping[str, int]]

    def code(self, entity: str, column: str) -> str | None:
        known = self.codes.get((entity, column))
        return known.field_code if known and known.state == "active" else None

    def field_codes(self) -> frozenset[str]:
        """The codes of all our fields."""
        return frozenset(code.field_code for code in self.codes.values())

    def option_id(self, entity: str, column: str, label: str) -> int | None:
        return self.options.get((entity, column), {}).get(label)


@dataclass(frozen=True, slots=True)
class Translation:
    """What a body is made with: the catalogue and the ids of the record's parents."""

    catalog: Catalog
    parent_ids: Mapping[str, int]


def create_body(
    entity: str, source_key: str, payload: Mapping[str, Any], translation: Translation
) -> dict[str, Any]:
    """The body of a create: everything that has a value."""
    columns = [column for column, value in payload.items() if not is_empty(value)]
    return body(entity, source_key, payload, columns, translation)


def body(
    entity: str,
    source_key: str,
    payload: Mapping[str, Any],
    columns: Iterable[str],
    translation: Translation,
) -> dict[str, Any]:
    """The body that sets exactly these columns; a column without a value is cleared by null."""
    values = {
        column: api_value(entity, source_key, column, payload.get(column), translation)
        for column in columns
    }
    return assemble(entity, source_key, values, translation.catalog)


def assemble(
    entity: str, source_key: str, values: Mapping[str, Any], catalog: Catalog
) -> dict[str, Any]:
    """Puts API values of columns where the API wants them."""
    native: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for column, value in values.items():
        if not column.endswith(CUSTOM_SUFFIX):
            native[api_name(column)] = value
            continue
        code = catalog.code(entity, column)
        if code is None:
            raise RecordRejected(
                f"{entity} {source_key}: {column} has no field in this account; provision it first"
            )
        custom[code] = value
    return native | ({"custom_fields": custom} if custom else {})


def as_sent(body: Mapping[str, Any], *, takes_participants: bool) -> dict[str, Any]:
    """The body as it leaves: where the API shows a person and takes participants, as these."""
    sent = dict(body)
    if takes_participants and "person_id" in sent:
        person_id = sent.pop("person_id")
        sent["participants"] = [{"person_id": person_id, "primary": True}] if person_id else []
    return sent


def api_name(column: str) -> str:
    """What the API calls a column that is not a custom one."""
    if column == "label_names":
        return "label_ids"
    if column.endswith(PARENT_SUFFIX):
        return f"{column.removesuffix(PARENT_SUFFIX)}_id"
    return column


def api_value(
    entity: str, source_key: str, column: str, value: Any, translation: Translation
) -> Any:
    """One column's value as the API takes it."""
    if is_empty(value):
        return [] if column in {"label_names", *_LIST_MEMBERS} else None
    if column.endswith(PARENT_SUFFIX):
        return translation.parent_ids[value]
    known = translation.catalog.codes.get((entity, column))
    kind = "set" if column == "label_names" else known.field_type if known else "native"
    if kind == "set":
        return [_option(entity, source_key, column, label, translation) for label in value]
    if kind == "enum":
        return _option(entity, source_key, column, value, translation)
    return _without_nulls(value)


def current_value(entity: str, column: str, record: Mapping[str, Any], catalog: Catalog) -> Any:
    """The same column in a record that the API gave."""
    if not column.endswith(CUSTOM_SUFFIX):
        return record.get(api_name(column))
    code = catalog.code(entity, column)
    return (record.get("custom_fields") or {}).get(code)


def canonical(column: str, value: Any) -> Any:
    """Equal for two values that the API holds for the same thing."""
    if isinstance(value, list):
        members = _LIST_MEMBERS.get(column)
        if members:
            value = _entries(value, members)
        plain = [item for item in (canonical("", item) for item in value) if item is not None]
        return sorted(plain, key=lambda item: json.dumps(item, sort_keys=True)) or None
    if isinstance(value, Mapping):
        pairs = {
            name: canonical("", item)
            for name, item in sorted(value.items())
            if name not in _READ_ONLY_MEMBERS
        }
        return {name: item for name, item in pairs.items() if item is not None} or None
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(f"{value:.9g}") if abs(value) < 1e15 else value
    return unicodedata.normalize("NFC", str(value)).strip() or None


def target_hash(column: str, value: Any, *, salt: str) -> str:
    """A keyed hash of a value in canonical form; the ledger's id is the salt."""
    text = json.dumps(canonical(column, value), ensure_ascii=False, sort_keys=True)
    return hmac.new(salt.encode(), f"{column}={text}".encode(), hashlib.sha256).hexdigest()[:32]


def is_empty(value: Any) -> bool:
    """No value: null, an empty text or an empty list."""
    return value is None or value in ("", [], {})


def is_lasting_link(column: str, wanted: Any) -> bool:
    """A link to a parent that should become empty: the API takes an id there and no null."""
    return column.endswith(PARENT_SUFFIX) and is_empty(wanted)


def is_lasting_value(column: str, wanted: Any) -> bool:
    """A native value that should become empty: the API documents null for none of ours. The times
    of closing leave by themselves when the status changes; a lost reason stays."""
    is_native = not column.endswith((CUSTOM_SUFFIX, PARENT_SUFFIX))
    return is_native and column not in {"label_names", *_LIST_MEMBERS} and is_empty(wanted)


def parent_keys(payload: Mapping[str, Any]) -> list[str]:
    """The source keys of a record's parents."""
    return [
        value
        for column, value in payload.items()
        if column.endswith(PARENT_SUFFIX) and not is_empty(value)
    ]


def _option(entity: str, source_key: str, column: str, label: str, translation: Translation) -> int:
    found = translation.catalog.option_id(entity, column, label)
    if found is None:
        raise RecordRejected(
            f"{entity} {source_key}: {column} has a label that is not an option of the field;"
            " add it to the field's options and plan again"
        )
    return found


def _entries(entries: list[Any], members: tuple[str, ...]) -> list[dict[str, Any]]:
    """Entries of a list as the API completes them: label work, the first one primary."""
    kept = [{name: entry.get(name) for name in members} for entry in entries if entry]
    if "primary" in members:
        for entry in kept:
            entry["label"] = entry["label"] or "work"
            entry["primary"] = bool(entry["primary"])
        if kept and not any(entry["primary"] for entry in kept):
            kept[0]["primary"] = True
    return kept


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
