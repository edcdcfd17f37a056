"""The entities, each a small declaration; one executor loads them all, in this order.

Paths are below the host, costs in tokens (pipedrive.md 3.4). `{id}` is the record, `{deal_id}` the
deal that a line hangs on. Where a record keeps its source key is the one thing that differs:
in a custom field, at the end of a line's comments, in the last line of a note or an activity, or
in the name of a file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from load.payload import KEY_COLUMN, Catalog

# archived deals are in no other list
ARCHIVED: Final = "/api/v2/deals/archived"
ARCHIVED_COST: Final = 20
KeyOf = Callable[[Mapping[str, Any], str, Catalog], str | None]

_IN_COMMENTS: Final = re.compile(r"\[([^\[\]]+)\]\s*$")
_IN_NOTE: Final = re.compile(r"\[([^\[\]]+)\]\s*(?:</p>)?\s*$")
# dashes for colons, which no name of a file can hold everywhere
_IN_NAME: Final = re.compile(r"\[([a-z]+)-([a-z]+)-([0-9a-f]{16})\](?:\.[0-9A-Za-z]{1,10})?$")


@dataclass(frozen=True, slots=True)
class Phase:
    """How one entity is created, changed and read. `newest_first` lists it by falling id."""

    entity: str
    create_path: str
    update_path: str
    list_path: str
    key_of: KeyOf
    update_method: str = "PATCH"
    create_cost: int = 5
    update_cost: int = 5
    list_cost: int = 10
    read_cost: int = 1
    delete_cost: int = 3
    newest_first: Mapping[str, str | int] | None = None
    hidden_lists: tuple[tuple[str, Mapping[str, str | int], int], ...] = ()
    # a line belongs to a deal: it is created and found under it, several at a time
    under_deal: bool = False
    bulk_cost: int = 25
    bulk_from: int = 5
    bulk_most: int = 100
    field_list: str | None = None
    label_field: bool = False
    # how many a page of the list holds, and whether the list takes ids; else one is read by itself
    page: int = 500
    lists_by_id: bool = True
    # a record whose content is sent as it is made, and which is never changed afterwards
    uploads: bool = False
    # the API shows the person of a record and takes it as a participant only
    takes_participants: bool = False
    # who changed which field, for the columns that may not be raised; products have none
    changelog_path: str | None = None
    changelog_cost: int = 20


def _key_in_field(record: Mapping[str, Any], entity: str, catalog: Catalog) -> str | None:
    code = catalog.code(entity, KEY_COLUMN)
    value = (record.get("custom_fields") or {}).get(code)
    return str(value) if value else None


def _key_in_comments(record: Mapping[str, Any], _entity: str, _catalog: Catalog) -> str | None:
    found = _IN_COMMENTS.search(record.get("comments") or "")
    return found.group(1) if found else None


def _key_in_note(record: Mapping[str, Any], _entity: str, _catalog: Catalog) -> str | None:
    return _key_in_html(record.get("content"))


def _key_in_activity(record: Mapping[str, Any], _entity: str, _catalog: Catalog) -> str | None:
    return _key_in_html(record.get("note"))


def _key_in_name(record: Mapping[str, Any], _entity: str, _catalog: Catalog) -> str | None:
    found = _IN_NAME.search(record.get("name") or "")
    return ":".join(found.groups()) if found else None


def _key_in_html(text: str | None) -> str | None:
    found = _IN_NOTE.search(text or "")
    return html.unescape(found.group(1)) if found else None


_BY_FALLING_ID: Final[dict[str, str | int]] = {
    "sort_by": "id",
    "sort_direction": "desc",
    "limit": 500,
}


def _record_phase(
    entity: str,
    plural: str,
    *,
    field_list: str,
    hidden_lists: tuple[tuple[str, Mapping[str, str | int], int], ...] = (),
) -> Phase:
    return Phase(
        entity=entity,
        create_path=f"/api/v2/{plural}",
        update_path=f"/api/v2/{plural}/{{id}}",
        list_path=f"/api/v2/{plural}",
        key_of=_key_in_field,
        newest_first=_BY_FALLING_ID,
        hidden_lists=hidden_lists,
        field_list=field_list,
        changelog_path=None if plural == "products" else f"/api/v1/{plural}/{{id}}/changelog",
    )


PHASES: Final = (
    _record_phase("organization", "organizations", field_list="/api/v2/organizationFields"),
    _record_phase("person", "persons", field_list="/api/v2/personFields"),
    _record_phase("product", "products", field_list="/api/v2/productFields"),
    _record_phase(
        "deal",
        "deals",
        field_list="/api/v2/dealFields",
        hidden_lists=(
            (ARCHIVED, _BY_FALLING_ID, ARCHIVED_COST),
            ("/api/v2/deals", {**_BY_FALLING_ID, "status": "deleted"}, 10),
        ),
    ),
    Phase(
        entity="deal_product",
        create_path="/api/v2/deals/{deal_id}/products",
        update_path="/api/v2/deals/{deal_id}/products/{id}",
        list_path="/api/v2/deals/products",
        key_of=_key_in_comments,
        under_deal=True,
    ),
    Phase(
        entity="note",
        create_path="/api/v1/notes",
        update_path="/api/v1/notes/{id}",
        update_method="PUT",
        list_path="/api/v1/notes",
        key_of=_key_in_note,
        create_cost=10,
        update_cost=10,
        list_cost=20,
        read_cost=2,
        delete_cost=6,
        newest_first={"sort": "id DESC", "limit": 500},
        lists_by_id=False,
    ),
    Phase(
        entity="activity",
        create_path="/api/v2/activities",
        update_path="/api/v2/activities/{id}",
        list_path="/api/v2/activities",
        key_of=_key_in_activity,
        newest_first=_BY_FALLING_ID,
        takes_participants=True,
    ),
    Phase(
        entity="file",
        create_path="/api/v1/files",
        update_path="/api/v1/files/{id}",
        list_path="/api/v1/files",
        key_of=_key_in_name,
        create_cost=10,
        list_cost=20,
        read_cost=2,
        delete_cost=6,
        newest_first={"sort": "id DESC", "limit": 100},
        page=100,
        lists_by_id=False,
        uploads=True,
    ),
)
PHASE_OF: Final = {phase.entity: phase for phase in PHASES}
