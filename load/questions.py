"""The open facts, each with the calls that settle it; `load.probe` asks them.

    refuse, allow     whether the service takes something
    yes, no           whether something happens
    a number          seconds
    other words       what becomes of a value

Facts that a switch of the local Pipedrive decides bear the switch's name and take its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from load.errors import Rejected
from load.probe import Question, Room

PERSONS: Final = "/api/v2/persons"
DEALS: Final = "/api/v2/deals"
NOTES: Final = "/api/v1/notes"
_LONG: Final = "x" * 256
_POLLS: Final = 10
_PAUSE: Final = 0.5
_LOOKS: Final = 3
_LONGER: Final = 2.0


def _said(*, refused: bool) -> str:
    return "refuse" if refused else "allow"


def _yes(answer: bool) -> str:  # noqa: FBT001 (a word for a truth)
    return "yes" if answer else "no"


async def _ids_increase(room: Room) -> str:
    first, second = await room.person(), await room.person()
    return _yes(second > first)


async def _empty_keys(room: Room) -> str:
    found = await room.call("GET", f"{PERSONS}/{await room.person()}")
    return "null" if "org_id" in found else "absent"


async def _long_varchar(room: Room) -> str:
    code = await room.text_field()
    try:
        person = await room.person(custom_fields={code: _LONG})
    except Rejected:
        return "refuse"
    held = (await room.call("GET", f"{PERSONS}/{person}"))["custom_fields"][code]
    return "cut" if len(held) < len(_LONG) else "keep"


async def _trim_text(room: Room) -> str:
    code = await room.text_field()
    person = await room.person(custom_fields={code: " x "})
    held = (await room.call("GET", f"{PERSONS}/{person}"))["custom_fields"][code]
    return _yes(held == "x")


async def _empty_text(room: Room) -> str:
    code = await room.text_field()
    person = await room.person(custom_fields={code: ""})
    held = (await room.call("GET", f"{PERSONS}/{person}"))["custom_fields"].get(code)
    return "null" if held is None else "kept"


async def _emails_patch(room: Room) -> str:
    person = await room.person(emails=[{"value": "a@example.com"}])
    await room.call("PATCH", f"{PERSONS}/{person}", {"emails": [{"value": "b@example.com"}]})
    found = await room.call("GET", f"{PERSONS}/{person}")
    return "replace" if len(found["emails"]) == 1 else "merge"


async def _update_time_of_nothing(room: Room) -> str:
    person = await room.person()
    before = (await room.call("GET", f"{PERSONS}/{person}"))["update_time"]
    await room.clock.sleep(1.1)
    await room.call("PATCH", f"{PERSONS}/{person}", {"name": room.name})
    after = (await room.call("GET", f"{PERSONS}/{person}"))["update_time"]
    return _yes(after != before)


async def _note_touches_parent(room: Room) -> str:
    person = await room.person()
    before = (await room.call("GET", f"{PERSONS}/{person}"))["update_time"]
    await room.clock.sleep(1.1)
    await room.call("POST", NOTES, {"content": "probe", "person_id": person})
    after = (await room.call("GET", f"{PERSONS}/{person}"))["update_time"]
    return _yes(after != before)


async def _note_cleaning(room: Room) -> str:
    """Do a bold word, a script and the key in the last line survive?"""
    person = await room.person()
    content = "<p><b>x</b></p><script>1</script><p>[probe:1]</p>"
    made = await room.call("POST", NOTES, {"content": content, "person_id": person})
    held = str((await room.call("GET", f"{NOTES}/{made['id']}"))["content"])
    if "[probe:1]" not in held:
        return "key lost"
    if "<script" in held:
        return "none"
    return "clean" if "<b>" in held else "strict"


async def _duplicate_options(room: Room) -> str:
    body = {
        "field_name": room.name,
        "field_type": "enum",
        "options": [{"label": "x"}, {"label": "x"}],
    }
    return _said(refused=await room.is_refused("POST", "/api/v2/personFields", body))


async def _label_options(room: Room) -> str:
    path = "/api/v2/personFields/label_ids/options"
    return _said(refused=await room.is_refused("POST", path, [{"label": room.name}]))


async def _new_pipeline_stages(room: Room) -> str:
    made = await room.call("POST", "/api/v2/pipelines", {"name": room.name})
    stages = await room.call("GET", "/api/v2/stages", params={"pipeline_id": made["id"]})
    return _yes(bool(stages))


async def _deal_add_time(room: Room) -> str:
    body = {"title": room.name, "add_time": "2024-01-01T00:00:00Z"}
    refused = await room.is_refused("POST", DEALS, body)
    return "refuse" if refused else "ignore"


async def _archived(room: Room) -> int:
    deal = await room.deal()
    await room.call("PATCH", f"{DEALS}/{deal}", {"is_archived": True})
    return deal


async def _archived_edit(room: Room) -> str:
    deal = await _archived(room)
    return _said(refused=await room.is_refused("PATCH", f"{DEALS}/{deal}", {"value": 2}))


async def _archived_unarchive(room: Room) -> str:
    deal = await _archived(room)
    return _said(refused=await room.is_refused("PATCH", f"{DEALS}/{deal}", {"is_archived": False}))


async def _archived_delete(room: Room) -> str:
    deal = await _archived(room)
    return _said(refused=await room.is_refused("DELETE", f"{DEALS}/{deal}"))


async def _negative_line_price(room: Room) -> str:
    deal, product = await room.deal(), await room.product()
    line = {"product_id": product, "item_price": -1, "quantity": 1}
    return _said(refused=await room.is_refused("POST", f"{DEALS}/{deal}/products", line))


async def _bulk_bad_line(room: Room) -> str:
    deal, product = await room.deal(), await room.product()
    good = {"product_id": product, "item_price": 1, "quantity": 1}
    bad = {**good, "product_id": 0}
    await room.is_refused("POST", f"{DEALS}/{deal}/products/bulk", {"data": [good, bad]})
    lines = await room.call("GET", f"{DEALS}/{deal}/products")
    return "keep_good" if lines else "refuse_all"


async def _value_with_lines(room: Room) -> str:
    deal, product = await room.deal(), await room.product()
    line = {"product_id": product, "item_price": 3, "quantity": 2}
    await room.call("POST", f"{DEALS}/{deal}/products", line)
    refused = await room.is_refused("PATCH", f"{DEALS}/{deal}", {"value": 5})
    return "refuse" if refused else "accept"


async def _value_is_sum_of_lines(room: Room) -> str:
    deal, product = await room.deal(value=1), await room.product()
    line = {"product_id": product, "item_price": 3, "quantity": 2}
    await room.call("POST", f"{DEALS}/{deal}/products", line)
    return _yes((await room.call("GET", f"{DEALS}/{deal}"))["value"] == 6)


async def _get_deleted_person(room: Room) -> str:
    person = await room.person()
    await room.call("DELETE", f"{PERSONS}/{person}")
    try:
        found = await room.call("GET", f"{PERSONS}/{person}")
    except Rejected:
        return "refuse"
    return "shown deleted" if found.get("is_deleted") else "shown alive"


async def _delete_deleted(room: Room) -> str:
    person = await room.person()
    await room.call("DELETE", f"{PERSONS}/{person}")
    return _said(refused=await room.is_refused("DELETE", f"{PERSONS}/{person}"))


async def _unknown_query(room: Room) -> str:
    refused = await room.is_refused("GET", PERSONS, params={"limit": 1, "no_such_parameter": 1})
    return "refuse" if refused else "ignore"


async def _page_above_maximum(room: Room) -> str:
    refused = await room.is_refused("GET", PERSONS, params={"limit": 501})
    return "refuse" if refused else "clamp"


async def _list_lag(room: Room) -> str:
    person = await room.person()
    params: dict[str, str | int] = {"sort_by": "id", "sort_direction": "desc", "limit": 1}
    for poll in range(_POLLS):
        listed = await room.call("GET", PERSONS, params=params)
        if any(one["id"] == person for one in listed):
            return f"{poll * _PAUSE:g}"
        await room.clock.sleep(_PAUSE)
    return f"more than {_POLLS * _PAUSE:g}"


async def _empty_patch(room: Room) -> str:
    person = await room.person()
    return _said(refused=await room.is_refused("PATCH", f"{PERSONS}/{person}", {}))


async def _change_log(room: Room) -> str:
    """What `load.guard` relies on: order, spelling of an option, and when an entry is there."""
    body = {"field_name": room.name, "field_type": "enum",
            "options": [{"label": "x"}, {"label": "y"}]}  # fmt: skip
    field = await room.call("POST", "/api/v2/personFields", body)
    code, (first, second) = field["field_code"], [one["id"] for one in field["options"]]
    person = await room.person()
    for option in (first, second):
        changes = {"custom_fields": {code: option}}
        await room.call("PATCH", f"{PERSONS}/{person}", changes)
    for poll in range(_LOOKS):
        listed = await room.call("GET", f"/api/v1/persons/{person}/changelog") or []
        entries = [one for one in listed if one["field_key"] == code]
        if len(entries) > 1:
            ids = [str(second), str(first)]
            values = [str(one["new_value"]) for one in entries]
            order = "newest first" if values in (ids, ["y", "x"]) else "oldest first"
            spelling = "ids" if set(values) == set(ids) else "labels"
            source = entries[0].get("change_source") or "no source"
            return f"{order}, {spelling}, {source}, {poll * _LONGER:g} s"
        await room.clock.sleep(_LONGER)
    return "does not show changes by the API"


QUESTIONS: Final[Sequence[Question]] = (
    Question("ids_increase", "does a later record have a higher id?", 10, _ids_increase),
    Question("list_lag_seconds", "how long until a new record is listed?", 105, _list_lag),
    Question("empty_keys", "is a native key without value null or absent?", 6, _empty_keys),
    Question("long_varchar", "256 characters in a short text field?", 11, _long_varchar),
    Question("trim_text", "are spaces around a short text cut?", 11, _trim_text),
    Question("empty_text", "what becomes of an empty text?", 11, _empty_text),
    Question("emails_patch", "does a PATCH replace a person's e-mails?", 11, _emails_patch),
    Question("empty_patch", "a PATCH without a key?", 10, _empty_patch),
    Question("patch_of_same_touches", "does a PATCH that changes nothing move update_time?", 12,
             _update_time_of_nothing),
    Question("note_touches_parent", "does a new note move its person's update_time?", 17,
             _note_touches_parent),
    Question("note_cleaning", "what of a note's HTML survives?", 17, _note_cleaning),
    Question("duplicate_options", "two options of one label?", 5, _duplicate_options),
    Question("label_options", "label options by version 2?", 5, _label_options),
    Question("new_pipeline_stages", "does a new pipeline come with stages?", 10,
             _new_pipeline_stages),
    Question("deal_add_time", "add_time in a deal's body?", 5, _deal_add_time),
    Question("archived_edit", "a change to an archived deal?", 15, _archived_edit),
    Question("archived_unarchive", "an archived deal brought back?", 15, _archived_unarchive),
    Question("archived_delete", "the deletion of an archived deal?", 13, _archived_delete),
    Question("negative_line_price", "a line of a negative price?", 15, _negative_line_price),
    Question("bulk_bad_line", "one bad line among good ones?", 45, _bulk_bad_line),
    Question("value_with_lines", "a value written to a deal with lines?", 20, _value_with_lines),
    Question("value_is_sum_of_lines", "is a deal's value the sum of its lines?", 16,
             _value_is_sum_of_lines),
    Question("get_deleted_person", "a deleted person by its id?", 9, _get_deleted_person),
    Question("change_log", "who changed an option, as a person's change log has it?", 80,
             _change_log),
    Question("delete_deleted", "a second deletion?", 11, _delete_deleted),
    Question("unknown_query", "a query parameter that nobody knows?", 10, _unknown_query),
    Question("page_above_maximum", "a page above 500?", 10, _page_above_maximum),
)  # fmt: skip
