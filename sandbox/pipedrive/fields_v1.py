"""Field definitions by API v1: numeric ids, and PUT that takes the complete list of options.

Options left out of a PUT are deleted together with their values.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import ApiError, general
from sandbox.pipedrive.field_registry import FieldDefinition
from sandbox.pipedrive.fields import (
    administrators_only,
    check_labels,
    check_text,
    create_field,
    listed,
)
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc
from sandbox.pipedrive.times import spaced


def _show(definition: FieldDefinition) -> Doc:
    return {
        "id": definition.id,
        "key": definition.code,
        "name": definition.name,
        "order_nr": definition.id,
        "field_type": definition.type,
        "add_time": spaced(definition.add_time),
        "update_time": spaced(definition.update_time),
        "active_flag": True,
        "edit_flag": definition.is_custom,
        "index_visible_flag": True,
        "details_visible_flag": True,
        "add_visible_flag": False,
        "important_flag": False,
        "bulk_edit_allowed": True,
        "searchable_flag": False,
        "filtering_allowed": True,
        "sortable_flag": True,
        "mandatory_flag": definition.code in ("name", "title"),
        "options": definition.option_list(),
    }


def _gone() -> ApiError:
    return ApiError(410, {"success": False, "error": "The field is not found"})


def _find(account: Account, entity: str, text: str) -> FieldDefinition:
    for definition in listed(account, entity):
        if str(definition.id) == text:
            return definition
    raise _gone()


def _labels(body: Doc) -> list[Doc] | None:
    options: Any = body.get("options")
    if options is None:
        return None
    if not isinstance(options, list) or not all(
        isinstance(option, dict) and isinstance(option.get("label"), str) for option in options
    ):
        raise general(400, "Bad request")
    return options


def _replace_options(
    account: Account, definition: FieldDefinition, options: list[Doc], call: Call
) -> None:
    kept = [option["id"] for option in options if option.get("id") is not None]
    unknown = [number for number in kept if number not in definition.options]
    problems = check_labels(account, [], [option["label"] for option in options], "options.")
    if unknown or problems:
        raise general(400, "Invalid field(s) in the payload: options")
    for option in options:
        if option.get("id") is not None:
            definition.options[option["id"]]["label"] = option["label"]
    dropped = [number for number in definition.options if number not in kept]
    account.fields.remove_options(definition, dropped, call.now)
    fresh = [option for option in options if option.get("id") is None]
    account.fields.add_options(definition, fresh, call.now)


def _reading(entity: str, base: str) -> dict[tuple[str, str], Handler]:
    def list_all(account: Account, call: Call) -> Answer:
        start = max(0, int(call.query.get("start", 0)))
        limit = min(max(int(call.query.get("limit", 100)), 1), 500)
        shown = [_show(definition) for definition in listed(account, entity)]
        more = start + limit < len(shown)
        beside = {"start": start, "limit": limit, "more_items_in_collection": more}
        return Answer(shown[start : start + limit], {"additional_data": beside})

    def read(account: Account, call: Call) -> Answer:
        return Answer(_show(_find(account, entity, call.values["id"])))

    return {("GET", base): list_all, ("GET", base + "/{id}"): read}


def _created(account: Account, call: Call, entity: str) -> FieldDefinition:
    name, kind = call.body.get("name"), call.body.get("field_type")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise general(400, "Name and field type must be given.")
    options = _labels(call.body)
    labels = None if options is None else [option["label"] for option in options]
    try:
        return create_field(account, call, entity, name=name, kind=kind, labels=labels)
    except ApiError as error:
        if error.status == 400:
            raise general(400, "Bad request") from error
        raise


def _writing(entity: str, base: str) -> dict[tuple[str, str], Handler]:
    def create(account: Account, call: Call) -> Answer:
        return Answer(_show(_created(account, call, entity)))

    def change(account: Account, call: Call) -> Answer:
        administrators_only(account)
        definition = _find(account, entity, call.values["id"])
        name = call.body.get("name")
        if name is not None:
            if not isinstance(name, str) or check_text(name, "name") or not definition.is_custom:
                raise general(400, "Bad request")
            definition.name = name
        options = _labels(call.body)
        if options is not None:
            _replace_options(account, definition, options, call)
        account.fields.save(definition, call.now)
        return Answer(_show(definition))

    def remove(account: Account, call: Call) -> Answer:
        return Answer({"id": _remove_one(account, entity, call.values["id"])})

    def remove_many(account: Account, call: Call) -> Answer:
        texts = str(call.query["ids"]).split(",")
        return Answer({"id": [_remove_one(account, entity, text) for text in texts]})

    return {
        ("POST", base): create,
        ("DELETE", base): remove_many,
        ("PUT", base + "/{id}"): change,
        ("DELETE", base + "/{id}"): remove,
    }


def _remove_one(account: Account, entity: str, text: str) -> int:
    administrators_only(account)
    definition = _find(account, entity, text)
    if not definition.is_custom:
        raise general(400, "System fields cannot be deleted")
    account.fields.remove(definition)
    return definition.id


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    key: handler
    for entity in ("person", "organization", "deal", "product")
    for make in (_reading, _writing)
    for key, handler in make(entity, f"/api/v1/{entity}Fields").items()
}
