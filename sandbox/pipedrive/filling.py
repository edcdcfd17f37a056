"""Bulk fill for scale tests: many plain records in one go, without tokens, limits or checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Call
from sandbox.pipedrive.catalog import Catalog
from sandbox.pipedrive.deals import DEAL
from sandbox.pipedrive.organizations import ORGANIZATION
from sandbox.pipedrive.persons import PERSON
from sandbox.pipedrive.products import PRODUCT
from sandbox.pipedrive.records import Kind
from sandbox.pipedrive.store import Doc

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (ORGANIZATION, PERSON, PRODUCT, DEAL)}
CHUNK: Final = 20_000


def fill(
    account: Account, catalog: Catalog, entity: str, count: int, *, key_field: str | None
) -> dict[str, int]:
    """Adds `count` records named by number; `key_field` names a text field to number as well."""
    kind = KINDS[entity]
    code = None
    if key_field is not None:
        definition = account.fields.find_by_name(entity, key_field)
        if definition is None:
            msg = f"{entity} has no field {key_field!r}"
            raise ValueError(msg)
        code = definition.code
    first = account.store.reserve_ids(entity, count)
    now = account.now()
    blank = kind.blank(account, Call(catalog.endpoints[0], {}, {}, {}, account.admin_id, now))
    for start in range(0, count, CHUNK):
        numbers = range(first + start, first + min(start + CHUNK, count))
        account.store.begin()
        account.store.insert_many(entity, _docs(entity, blank, numbers, code), now)
        account.store.commit()
    account.recount_deals()
    return {"first_id": first, "count": count}


def _docs(entity: str, blank: Doc, numbers: range, code: str | None) -> Iterator[Doc]:
    title = "title" if entity == "deal" else "name"
    for number in numbers:
        doc = {"id": number, **blank, title: f"Filled {entity} {number}"}
        if entity == "person":
            doc["emails"] = [
                {"value": f"person{number}@sandbox.example", "primary": True, "label": "work"}
            ]
        if entity == "deal":
            doc["pipeline_id"], doc["stage_id"] = 1, 1
        if code is not None:
            doc["custom_fields"] = {code: f"filled:{entity}:{number}"}
        yield doc
