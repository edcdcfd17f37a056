"""Field definitions and options by API v2, for persons, organizations, deals and products.

Names are not unique, codes cannot be chosen, types never change. Labels are the options of the
system field `label_ids`. A batch of options succeeds or fails as a whole.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.custom_fields import CREATABLE
from sandbox.pipedrive.errors import field_cap, general, invalid, not_found
from sandbox.pipedrive.field_registry import (
    CONTACT_SYNC,
    FieldDefinition,
    public_form,
)
from sandbox.pipedrive.listing import page_of_items
from sandbox.pipedrive.records import Handler

LONGEST_NAME: Final = 255
MOST_OPTIONS: Final = 10_000
MISSING: Final = "The field is not found"


def administrators_only(account: Account) -> None:
    if not account.switches.administrator:
        raise general(403, "You do not have permissions to manage data fields.")


def listed(account: Account, entity: str) -> list[FieldDefinition]:
    """The fields in the order of creation; contact sync fields only where it was set up."""
    hidden = entity == "person" and not account.switches.contact_sync
    return [
        definition
        for code, definition in account.fields.by_entity[entity].items()
        if not (hidden and code in CONTACT_SYNC)
    ]


def find(account: Account, entity: str, code: str) -> FieldDefinition:
    definition = account.fields.find(entity, code)
    hidden = entity == "person" and code in CONTACT_SYNC and not account.switches.contact_sync
    if definition is None or hidden:
        raise not_found(MISSING)
    return definition


def check_text(text: str, where: str) -> list[str]:
    if not text.strip() or len(text) > LONGEST_NAME:
        return [f"{where}: The value must have 1 to {LONGEST_NAME} characters"]
    return []


def check_labels(account: Account, known: list[str], labels: list[str], where: str) -> list[str]:
    problems: list[str] = []
    seen = {label.strip().casefold() for label in known}
    for index, label in enumerate(labels):
        problems += check_text(label, f"{where}{index}.label")
        folded = label.strip().casefold()
        if folded in seen and account.switches.duplicate_options == "refuse":
            problems.append(f"{where}{index}.label: The option exists already")
        seen.add(folded)
    if len(known) + len(labels) > MOST_OPTIONS:
        problems.append(f"{where}: At most {MOST_OPTIONS} options are allowed")
    return problems


def create_field(
    account: Account, call: Call, entity: str, *, name: str, kind: str, labels: list[str] | None
) -> FieldDefinition:
    """Creates a custom field after all checks, the cap included."""
    administrators_only(account)
    problems = check_text(name, "field_name")
    if kind not in CREATABLE:
        problems.append(f"field_type: The type {kind} cannot be created")
    if kind in ("enum", "set"):
        if not labels:
            problems.append("options: The value is required for this field type")
        problems += check_labels(account, [], labels or [], "options.")
    elif labels:
        problems.append("options: The value is not allowed for this field type")
    if problems:
        raise invalid(problems)
    cap = account.field_cap()
    if cap is not None and account.fields.custom_count() >= cap:
        raise field_cap()
    extras = {key: call.body[key] for key in ("description",) if key in call.body}
    return account.fields.add(entity, name, kind, labels or [], now=call.now, extras=extras)


def _routes(entity: str) -> dict[tuple[str, str], Handler]:
    base = f"/api/v2/{entity}Fields"

    reading = _reading_routes(entity, base)
    if entity == "activity":
        return reading
    return {
        **reading,
        **_writing_routes(entity, base),
        **_option_routes(entity, base + "/{field_code}/options"),
    }


def _reading_routes(entity: str, base: str) -> dict[tuple[str, str], Handler]:
    def list_all(account: Account, call: Call) -> Answer:
        shown = [public_form(definition) for definition in listed(account, entity)]
        return page_of_items(account, call, base, shown)

    def read(account: Account, call: Call) -> Answer:
        return Answer(public_form(find(account, entity, call.values["field_code"])))

    return {("GET", base): list_all, ("GET", base + "/{field_code}"): read}


def _writing_routes(entity: str, base: str) -> dict[tuple[str, str], Handler]:
    def create(account: Account, call: Call) -> Answer:
        options = call.body.get("options")
        labels = None if options is None else [option["label"] for option in options]
        name, kind = call.body["field_name"], call.body["field_type"]
        definition = create_field(account, call, entity, name=name, kind=kind, labels=labels)
        return Answer(public_form(definition))

    def change(account: Account, call: Call) -> Answer:
        administrators_only(account)
        definition = find(account, entity, call.values["field_code"])
        name = call.body.get("field_name")
        if name is not None:
            problems = check_text(name, "field_name")
            if problems:
                raise invalid(problems)
            if not definition.is_custom:
                raise general(400, "System fields cannot be renamed")
            definition.name = name
        if "description" in call.body:
            definition.extras["description"] = call.body["description"]
        account.fields.save(definition, call.now)
        return Answer(public_form(definition))

    def remove(account: Account, call: Call) -> Answer:
        administrators_only(account)
        definition = find(account, entity, call.values["field_code"])
        if not definition.is_custom:
            raise general(400, "System fields cannot be deleted")
        account.fields.remove(definition)
        return Answer(public_form(definition))

    return {
        ("POST", base): create,
        ("PATCH", base + "/{field_code}"): change,
        ("DELETE", base + "/{field_code}"): remove,
    }


def _option_field(account: Account, entity: str, call: Call) -> FieldDefinition:
    administrators_only(account)
    definition = find(account, entity, call.values["field_code"])
    if definition.type not in ("enum", "set"):
        raise invalid(["field_code: The field has no options"])
    if not definition.is_custom and account.switches.label_options == "refuse":
        raise invalid(["field_code: Options of system fields cannot be changed"])
    if not call.body:
        raise invalid(["body: At least one option is required"])
    return definition


def _touched(options: list[dict[str, Any]]) -> Answer:
    data = [{"id": option["id"], "label": option["label"]} for option in options]
    return Answer(data, {"additional_data": None})


def _known_options(definition: FieldDefinition, ids: list[int]) -> None:
    problems = [
        f"{index}.id: Option {number} does not exist"
        for index, number in enumerate(ids)
        if number not in definition.options
    ]
    if len(set(ids)) < len(ids):
        problems.append("id: The same option appears twice")
    if problems:
        raise invalid(problems)


def _option_routes(entity: str, path: str) -> dict[tuple[str, str], Handler]:
    def add(account: Account, call: Call) -> Answer:
        definition = _option_field(account, entity, call)
        labels = [entry["label"] for entry in call.body]
        known = [option["label"] for option in definition.options.values()]
        problems = check_labels(account, known, labels, "")
        if problems:
            raise invalid(problems)
        entries = [{"label": label} for label in labels]
        return _touched(account.fields.add_options(definition, entries, call.now))

    def rename(account: Account, call: Call) -> Answer:
        definition = _option_field(account, entity, call)
        ids = [entry["id"] for entry in call.body]
        _known_options(definition, ids)
        others = [
            option["label"] for number, option in definition.options.items() if number not in ids
        ]
        labels = [entry["label"] for entry in call.body]
        problems = check_labels(account, others, labels, "")
        if problems:
            raise invalid(problems)
        for number, label in zip(ids, labels, strict=True):
            definition.options[number]["label"] = label
        account.fields.save(definition, call.now)
        return _touched([definition.options[number] for number in ids])

    def remove(account: Account, call: Call) -> Answer:
        definition = _option_field(account, entity, call)
        ids = [entry["id"] for entry in call.body]
        _known_options(definition, ids)
        return _touched(account.fields.remove_options(definition, ids, call.now))

    return {("POST", path): add, ("PATCH", path): rename, ("DELETE", path): remove}


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **_routes("person"),
    **_routes("organization"),
    **_routes("deal"),
    **_routes("product"),
    **_routes("activity"),
}
