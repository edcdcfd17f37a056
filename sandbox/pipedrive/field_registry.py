"""Field definitions of the account, kept in memory and mirrored in the store.

Custom fields have a code of 40 hex digits drawn from the account's seed; option ids come from
one company-wide sequence. Labels are the options of the system field `label_ids`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.pipedrive.store import Doc, Store
from sandbox.pipedrive.times import v2_time

ENTITIES: Final = ("person", "organization", "deal", "product", "activity")
CONTACT_SYNC: Final = ("birthday", "postal_address", "job_title", "notes", "im")
SYSTEM: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "person": (
        ("name", "Name", "varchar"),
        ("first_name", "First name", "varchar"),
        ("last_name", "Last name", "varchar"),
        ("emails", "Email", "varchar"),
        ("phones", "Phone", "phone"),
        ("org_id", "Organization", "org"),
        ("owner_id", "Owner", "user"),
        ("label_ids", "Labels", "set"),
        ("visible_to", "Visible to", "visible_to"),
        ("add_time", "Person created", "date"),
        ("update_time", "Update time", "date"),
        ("picture_id", "Profile picture", "picture"),
        ("birthday", "Birthday", "date"),
        ("postal_address", "Postal address", "address"),
        ("job_title", "Job title", "varchar"),
        ("notes", "Notes", "text"),
        ("im", "Instant messenger", "varchar"),
    ),
    "organization": (
        ("name", "Name", "varchar"),
        ("address", "Address", "address"),
        ("owner_id", "Owner", "user"),
        ("label_ids", "Labels", "set"),
        ("visible_to", "Visible to", "visible_to"),
        ("add_time", "Organization created", "date"),
        ("update_time", "Update time", "date"),
        ("website", "Website", "varchar"),
        ("linkedin", "LinkedIn profile", "varchar"),
        ("industry", "Industry", "enum"),
        ("annual_revenue", "Annual revenue", "double"),
        ("employee_count", "Number of employees", "double"),
    ),
    "deal": (
        ("title", "Title", "varchar"),
        ("value", "Value", "monetary"),
        ("person_id", "Contact person", "people"),
        ("org_id", "Organization", "org"),
        ("pipeline_id", "Pipeline", "double"),
        ("stage_id", "Stage", "stage"),
        ("status", "Status", "status"),
        ("owner_id", "Owner", "user"),
        ("label_ids", "Labels", "set"),
        ("visible_to", "Visible to", "visible_to"),
        ("probability", "Probability", "int"),
        ("expected_close_date", "Expected close date", "date"),
        ("lost_reason", "Lost reason", "varchar_options"),
        ("add_time", "Deal created", "date"),
        ("update_time", "Update time", "date"),
        ("won_time", "Won time", "date"),
        ("lost_time", "Lost time", "date"),
        ("close_time", "Deal closed on", "date"),
    ),
    "product": (
        ("name", "Name", "varchar"),
        ("code", "Product code", "varchar"),
        ("description", "Description", "text"),
        ("category", "Category", "enum"),
        ("unit", "Unit", "varchar"),
        ("tax", "Tax", "double"),
        ("prices", "Prices", "price_list"),
        ("owner_id", "Owner", "user"),
        ("visible_to", "Visible to", "visible_to"),
        ("add_time", "Product created", "date"),
        ("update_time", "Update time", "date"),
    ),
    "activity": (
        ("subject", "Subject", "varchar"),
        ("type", "Type", "varchar"),
        ("due_date", "Due date", "date"),
        ("due_time", "Due time", "time"),
        ("duration", "Duration", "time"),
        ("deal_id", "Deal", "deal"),
        ("note", "Note", "text"),
    ),
}
LABELS: Final = (
    ("Customer", "green"),
    ("Hot lead", "red"),
    ("Warm lead", "yellow"),
    ("Cold lead", "blue"),
)
SUBFIELDS: Final = {
    "monetary": (("currency", "Currency", "varchar"),),
    "daterange": (("until", "End", "date"),),
    "time": (("timezone_id", "Time zone", "int"),),
    "timerange": (("until", "End", "time"), ("timezone_id", "Time zone", "int")),
    "address": tuple(
        (part, part.replace("_", " ").capitalize(), "varchar")
        for part in (
            "subpremise",
            "street_number",
            "route",
            "sublocality",
            "locality",
            "admin_area_level_1",
            "admin_area_level_2",
            "country",
            "postal_code",
            "formatted_address",
        )
    ),
}


@dataclass(slots=True)
class FieldDefinition:
    """One field; `options` keeps the order of creation."""

    id: int
    entity: str
    code: str
    name: str
    type: str
    is_custom: bool
    add_time: str
    update_time: str
    options: dict[int, Doc] = field(default_factory=dict)
    lost_options: bool = False
    extras: Doc = field(default_factory=dict)

    def option_list(self) -> list[Doc] | None:
        has_options = self.type in ("enum", "set")
        return list(self.options.values()) if has_options else None

    def as_doc(self) -> Doc:
        return {
            "id": self.id,
            "entity": self.entity,
            "code": self.code,
            "name": self.name,
            "type": self.type,
            "is_custom": self.is_custom,
            "add_time": self.add_time,
            "update_time": self.update_time,
            "options": list(self.options.values()),
            "lost_options": self.lost_options,
            "extras": self.extras,
        }


def _from_doc(doc: Doc) -> FieldDefinition:
    options = {option["id"]: option for option in doc["options"]}
    return FieldDefinition(**{**doc, "options": options})


class FieldRegistry:
    """All fields by entity and code."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed
        self.by_entity: dict[str, dict[str, FieldDefinition]] = {}
        self.custom_codes: dict[str, tuple[str, ...]] = {}
        self.with_lost_options: set[str] = set()
        self.reload()

    def reload(self) -> None:
        self.by_entity = {entity: {} for entity in ENTITIES}
        for row in self._store.rows("field", "1 ORDER BY id"):
            definition = _from_doc(row.doc)
            self.by_entity[definition.entity][definition.code] = definition
        self._index()

    def _index(self) -> None:
        self.custom_codes = {
            entity: tuple(code for code, definition in known.items() if definition.is_custom)
            for entity, known in self.by_entity.items()
        }
        self.with_lost_options = {
            entity
            for entity, known in self.by_entity.items()
            if any(definition.lost_options for definition in known.values())
        }

    def seed_defaults(self, now: float) -> None:
        for entity in ENTITIES:
            for code, name, kind in SYSTEM[entity]:
                definition = self._new(entity, code, name, kind, now, is_custom=False)
                if code == "label_ids" and entity in ("person", "organization"):
                    for label, color in LABELS:
                        self._new_option(definition, label, color)
                self._store.insert("field", definition.as_doc(), now)
        self._index()

    def _new(
        self, entity: str, code: str, name: str, kind: str, now: float, *, is_custom: bool
    ) -> FieldDefinition:
        moment = v2_time(now)
        number = self._store.reserve_ids("field")
        if is_custom:
            code = hashlib.sha1(  # noqa: S324 - an opaque code, not a secret
                f"{self._seed}:{entity}:{number}".encode()
            ).hexdigest()
        definition = FieldDefinition(number, entity, code, name, kind, is_custom, moment, moment)
        self.by_entity[entity][code] = definition
        return definition

    def _new_option(self, definition: FieldDefinition, label: str, color: str | None) -> Doc:
        number = int(self._store.meta("next_option") or 1)
        self._store.set_meta("next_option", number + 1)
        option = {"id": number, "label": label, "color": color}
        definition.options[number] = option
        return option

    def add(
        self, entity: str, name: str, kind: str, labels: list[str], *, now: float, extras: Doc
    ) -> FieldDefinition:
        definition = self._new(entity, "", name, kind, now, is_custom=True)
        definition.extras = extras
        for label in labels:
            self._new_option(definition, label, None)
        self._store.insert("field", definition.as_doc(), now)
        self._index()
        return definition

    def save(self, definition: FieldDefinition, now: float) -> None:
        definition.update_time = v2_time(now)
        self._store.save("field", definition.as_doc())

    def remove(self, definition: FieldDefinition) -> None:
        del self.by_entity[definition.entity][definition.code]
        self._store.remove("field", definition.id)
        self._index()

    def add_options(self, definition: FieldDefinition, entries: list[Doc], now: float) -> list[Doc]:
        added = [
            self._new_option(definition, entry["label"], entry.get("color")) for entry in entries
        ]
        self.save(definition, now)
        return added

    def remove_options(self, definition: FieldDefinition, ids: list[int], now: float) -> list[Doc]:
        removed = [definition.options.pop(number) for number in ids]
        definition.lost_options = definition.lost_options or bool(removed)
        self._index()
        self.save(definition, now)
        return removed

    def custom_count(self) -> int:
        return sum(len(codes) for codes in self.custom_codes.values())

    def find(self, entity: str, code: str) -> FieldDefinition | None:
        return self.by_entity[entity].get(code)

    def find_by_name(self, entity: str, name: str) -> FieldDefinition | None:
        wanted = name.strip().casefold()
        for definition in self.by_entity[entity].values():
            if definition.is_custom and definition.name.strip().casefold() == wanted:
                return definition
        return None

    def labels(self, entity: str) -> dict[int, Doc]:
        definition = self.by_entity[entity].get("label_ids")
        return {} if definition is None else definition.options


def public_form(definition: FieldDefinition) -> dict[str, Any]:
    """A field as v2 returns it."""
    parts = SUBFIELDS.get(definition.type) if definition.is_custom else None
    return {
        "field_name": definition.name,
        "field_code": definition.code,
        "field_type": definition.type,
        "description": definition.extras.get("description"),
        "options": definition.option_list(),
        "subfields": None
        if parts is None
        else [
            {"field_code": code, "field_name": f"{label} of {definition.name}", "field_type": kind}
            for code, label, kind in parts
        ],
        "is_custom_field": definition.is_custom,
        "is_optional_response_field": False,
    }
