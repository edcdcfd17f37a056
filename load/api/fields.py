"""Custom fields, their options, and labels, which are the options of the field `label_ids`.

In the API reference: OrganizationFields, PersonFields, DealFields, ProductFields; guide "Working
with labels". Names are not unique: compare before creating. v1 is used where v2 may refuse (labels)
and knows a field by its number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Literal

from load.api.calls import Body, Caller, Record, call, many, one
from load.api.paging import PAGE, Page, pages_v1, pages_v2
from load.outcomes import Answer

FieldList = Literal["organizationFields", "personFields", "dealFields", "productFields"]
Options = Sequence[Mapping[str, str | int]]

LABELS: Final = "label_ids"
_ENTITY: Final = "field"


async def list_fields(caller: Caller, fields: FieldList) -> AsyncIterator[Page]:
    """`GET /api/v2/{fields}`, 10 tokens a page of 500."""
    endpoint = f"GET /api/v2/{fields}"
    async for page in pages_v2(caller, endpoint, params={"limit": PAGE}, entity=_ENTITY):
        yield page


async def add_field(caller: Caller, fields: FieldList, body: Body) -> Record:
    """`POST /api/v2/{fields}`, 5 tokens, options included. The server makes the code."""
    return one(await call(caller, f"POST /api/v2/{fields}", json=dict(body), entity=_ENTITY))


async def change_field(caller: Caller, fields: FieldList, code: str, body: Body) -> Record:
    """`PATCH /api/v2/{fields}/{code}`, 5 tokens: the name, never code or type."""
    endpoint = f"PATCH /api/v2/{fields}/{{code}}"
    return one(await call(caller, endpoint, code, json=dict(body), entity=_ENTITY))


async def remove_field(caller: Caller, fields: FieldList, code: str) -> None:
    """`DELETE /api/v2/{fields}/{code}`, 3 tokens: its values are lost."""
    await call(caller, f"DELETE /api/v2/{fields}/{{code}}", code, entity=_ENTITY)


async def add_options(
    caller: Caller, fields: FieldList, code: str, labels: Sequence[str]
) -> list[Record]:
    """`POST /api/v2/{fields}/{code}/options`, 5 tokens a batch. All or none.

    With the code `label_ids` it makes labels; an account may refuse that (see `put_options_v1`).
    """
    body: list[dict[str, str | int]] = [{"label": label} for label in labels]
    return many(await _options(caller, "POST", fields, code, body))


async def change_options(
    caller: Caller, fields: FieldList, code: str, options: Options
) -> list[Record]:
    """`PATCH /api/v2/{fields}/{code}/options`, 5 tokens: new texts by id."""
    return many(await _options(caller, "PATCH", fields, code, [dict(each) for each in options]))


async def remove_options(
    caller: Caller, fields: FieldList, code: str, ids: Sequence[int]
) -> list[Record]:
    """`DELETE /api/v2/{fields}/{code}/options`, 3 tokens: clears them from records."""
    return many(await _options(caller, "DELETE", fields, code, [{"id": each} for each in ids]))


async def list_fields_v1(caller: Caller, fields: FieldList) -> AsyncIterator[Page]:
    """`GET /api/v1/{fields}`, 20 tokens a page: the only place with a field's number."""
    endpoint = f"GET /api/v1/{fields}"
    async for page in pages_v1(caller, endpoint, params={}, entity=_ENTITY):
        yield page


async def put_options_v1(
    caller: Caller, fields: FieldList, field_number: int, options: Options
) -> Record:
    """`PUT /api/v1/{fields}/{id}`, 10 tokens.

    `options` is the whole list, the present ones with their ids: those left out are deleted.
    """
    body = {"options": [dict(each) for each in options]}
    endpoint = f"PUT /api/v1/{fields}/{{id}}"
    return one(await call(caller, endpoint, field_number, json=body, entity=_ENTITY))


async def _options(
    caller: Caller, method: str, fields: FieldList, code: str, body: list[dict[str, str | int]]
) -> Answer:
    endpoint = f"{method} /api/v2/{fields}/{{code}}/options"
    return await call(caller, endpoint, code, json=body, entity=_ENTITY)
