"""The destination's state: every record by entity and id, deleted ones included, and its fields.

Read from JSON lines {"entity", "id", "deleted", "archived", "record"}; a field is an entity named
`field`. Records are in the form of API v2 (notes v1). `key_of` finds the source key that a record
carries: in its custom field "Migration key", at the end of a line's comments, in the last line of
a note or an activity, in a file's name before its ending. Raises `ValueError` for lines that are
none of that.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEY_FIELD: Final = "Migration key"
PARENTS: Final = {
    "org_id": "organization",
    "person_id": "person",
    "deal_id": "deal",
    "product_id": "product",
    "pipeline_id": "pipeline",
    "stage_id": "stage",
}
_TEXTS: Final = {"note": "content", "activity": "note"}
_IN_NAME: Final = re.compile(r"\[([a-z]+-[a-z]+-[0-9a-f]{16})\](\.\w{1,10})?$", re.ASCII)
_AT_END: Final = re.compile(r"\[([^\[\]]+)\]\s*(?:</p>)?\s*$")


@dataclass(frozen=True, slots=True)
class Held:
    """One record as the destination has it."""

    entity: str
    id: int
    deleted: bool
    archived: bool
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldThere:
    """A field of the account; `options` is label -> id."""

    code: str
    name: str
    is_custom: bool
    options: Mapping[str, int]


@dataclass(slots=True)
class Destination:
    """Records by entity and id, fields by entity and name (custom) or code (native)."""

    records: dict[str, dict[int, Held]] = field(default_factory=dict)
    fields: dict[tuple[str, str], FieldThere] = field(default_factory=dict)
    doubled_fields: list[tuple[str, str]] = field(default_factory=list)

    def held(self, entity: str, record_id: int | None) -> Held | None:
        """A record, deleted or not; None if there is none of that id."""
        return None if record_id is None else self.records.get(entity, {}).get(record_id)

    def live(self, entity: str) -> Iterator[Held]:
        """Records that are not deleted. A deleted deal takes its lines with it."""
        for held in self.records.get(entity, {}).values():
            if not held.deleted and not self._went_with_its_deal(held):
                yield held

    def is_live(self, entity: str, record_id: int | None) -> bool:
        held = self.held(entity, record_id)
        return held is not None and not held.deleted and not self._went_with_its_deal(held)

    def count(self) -> int:
        return sum(len(records) for records in self.records.values())

    def key_of(self, held: Held) -> str | None:
        """The source key that a record carries."""
        return key_in(held.entity, held.record, self.fields)

    def _went_with_its_deal(self, held: Held) -> bool:
        if held.entity != "deal_product":
            return False
        deal = self.held("deal", held.record.get("deal_id"))
        return deal is None or deal.deleted


def key_in(
    entity: str, record: Mapping[str, Any], fields: Mapping[tuple[str, str], FieldThere]
) -> str | None:
    """The source key in a record's own values."""
    if entity == "deal_product":
        found = _AT_END.search(record.get("comments") or "")
        return found.group(1) if found else None
    if entity == "file":
        found = _IN_NAME.search(record.get("name") or "")
        return found.group(1).replace("-", ":") if found else None
    if entity in _TEXTS:
        found = _AT_END.search(record.get(_TEXTS[entity]) or "")
        return html.unescape(found.group(1)) if found else None
    known = fields.get((entity, KEY_FIELD))
    value = (record.get("custom_fields") or {}).get(known.code) if known else None
    return str(value) if value else None


def read_destination(lines: Iterable[str]) -> Destination:
    """The destination's state from its JSON lines."""
    there = Destination()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _add(there, json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            message = f"line {number} is no record of a destination: {type(error).__name__}"
            raise ValueError(message) from None
    return there


def _add(there: Destination, raw: Mapping[str, Any]) -> None:
    record = raw["record"]
    if raw["entity"] == "field":
        custom = bool(record["is_custom_field"])
        name = record["field_name"] if custom else record["field_code"]
        options = {option["label"]: option["id"] for option in record.get("options") or []}
        place = (record["entity"], name)
        if place in there.fields:
            there.doubled_fields.append(place)
            return
        there.fields[place] = FieldThere(record["field_code"], name, custom, options)
        return
    held = Held(raw["entity"], int(raw["id"]), bool(raw["deleted"]), bool(raw["archived"]), record)
    there.records.setdefault(held.entity, {})[held.id] = held
