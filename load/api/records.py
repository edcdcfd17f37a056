"""Organizations, persons, deals, products, activities; lines of deals; notes; files.

The five record types share their calls, so the type is an argument. In the API reference:
Organizations, Persons, Deals, Products, Activities, Notes, Files; guide "Pagination".
Lists are async iterators over pages, ordered by id: ids only grow, so nothing is skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, Literal

from load.api.calls import Body, Caller, Query, Record, call, many, one
from load.api.paging import (
    BY_ID,
    FILES_PER_PAGE,
    IDS_PER_CALL,
    PAGE,
    Page,
    pages_v1,
    pages_v2,
)

Collection = Literal["organizations", "persons", "deals", "products", "activities"]

ENTITY: Final[dict[Collection, str]] = {
    "organizations": "organization",
    "persons": "person",
    "deals": "deal",
    "products": "product",
    "activities": "activity",
}


async def add_record(caller: Caller, kind: Collection, body: Body) -> Record:
    """`POST /api/v2/{kind}`, 5 tokens. Never idempotent."""
    return one(await call(caller, f"POST /api/v2/{kind}", json=dict(body), entity=ENTITY[kind]))


async def change_record(caller: Caller, kind: Collection, record_id: int, body: Body) -> Record:
    """`PATCH /api/v2/{kind}/{id}`, 5 tokens: absent keys stay, lists are replaced."""
    endpoint = f"PATCH /api/v2/{kind}/{{id}}"
    return one(await call(caller, endpoint, record_id, json=dict(body), entity=ENTITY[kind]))


async def remove_record(caller: Caller, kind: Collection, record_id: int) -> None:
    """`DELETE /api/v2/{kind}/{id}`, 3 tokens: soft, purged after 30 days."""
    await call(caller, f"DELETE /api/v2/{kind}/{{id}}", record_id, entity=ENTITY[kind])


async def get_record(caller: Caller, kind: Collection, record_id: int) -> Record:
    """`GET /api/v2/{kind}/{id}`, 1 token; a deleted record answers too: see `is_deleted`."""
    return one(await call(caller, f"GET /api/v2/{kind}/{{id}}", record_id, entity=ENTITY[kind]))


async def list_records(
    caller: Caller, kind: Collection, *, deleted: bool = False, newest_first: bool = False
) -> AsyncIterator[Page]:
    """`GET /api/v2/{kind}`, 10 tokens a page of 500.

    Not archived and not deleted; `deleted` lists deals deleted in the last 30 days instead.
    """
    params: Query = {**BY_ID, "sort_direction": "desc"} if newest_first else BY_ID
    if deleted:
        params = {**params, "status": "deleted"}
    async for page in pages_v2(caller, f"GET /api/v2/{kind}", params=params, entity=ENTITY[kind]):
        yield page


async def list_archived_deals(caller: Caller, *, newest_first: bool = False) -> AsyncIterator[Page]:
    """`GET /api/v2/deals/archived`, 20 tokens a page of 500."""
    params: Query = {**BY_ID, "sort_direction": "desc"} if newest_first else BY_ID
    async for page in pages_v2(caller, "GET /api/v2/deals/archived", params=params, entity="deal"):
        yield page


async def records_by_ids(
    caller: Caller, kind: Collection, ids: Sequence[int]
) -> AsyncIterator[Page]:
    """`GET /api/v2/{kind}?ids=`, 10 tokens per 100 ids; deleted and archived ones are absent."""
    for some in _hundreds(ids):
        params: Query = {"ids": some, "limit": IDS_PER_CALL}
        endpoint = f"GET /api/v2/{kind}"
        async for page in pages_v2(caller, endpoint, params=params, entity=ENTITY[kind]):
            yield page


async def list_lines(caller: Caller, deal_ids: Sequence[int]) -> AsyncIterator[Page]:
    """`GET /api/v2/deals/products?deal_ids=`, 10 tokens per 100 deals and page."""
    for some in _hundreds(deal_ids):
        params: Query = {"deal_ids": some, "limit": PAGE}
        endpoint = "GET /api/v2/deals/products"
        async for page in pages_v2(caller, endpoint, params=params, entity="deal_product"):
            yield page


async def add_line(caller: Caller, deal_id: int, body: Body) -> Record:
    """`POST /api/v2/deals/{id}/products`, 5 tokens. Moves the deal's value."""
    endpoint = "POST /api/v2/deals/{id}/products"
    return one(await call(caller, endpoint, deal_id, json=dict(body), entity="deal_product"))


async def add_lines(caller: Caller, deal_id: int, bodies: Sequence[Body]) -> list[Record]:
    """`POST /api/v2/deals/{id}/products/bulk`, 25 tokens for up to 100 lines.

    Lines of the answer are recognised by what they hold, not by their place.
    """
    endpoint, lines = "POST /api/v2/deals/{id}/products/bulk", [dict(body) for body in bodies]
    return many(await call(caller, endpoint, deal_id, json={"data": lines}, entity="deal_product"))


async def change_line(caller: Caller, deal_id: int, line_id: int, body: Body) -> Record:
    """`PATCH /api/v2/deals/{id}/products/{id}`, 5 tokens."""
    endpoint = "PATCH /api/v2/deals/{id}/products/{id}"
    sent = dict(body)
    return one(await call(caller, endpoint, deal_id, line_id, json=sent, entity="deal_product"))


async def remove_line(caller: Caller, deal_id: int, line_id: int) -> None:
    """`DELETE /api/v2/deals/{id}/products/{id}`, 3 tokens."""
    endpoint = "DELETE /api/v2/deals/{id}/products/{id}"
    await call(caller, endpoint, deal_id, line_id, entity="deal_product")


async def list_notes(caller: Caller, *, deal_id: int | None = None) -> AsyncIterator[Page]:
    """`GET /api/v1/notes`, 20 tokens a page of 500; of one deal or all."""
    params: Query = {"sort": "id ASC"} if deal_id is None else {"deal_id": deal_id}
    async for page in pages_v1(caller, "GET /api/v1/notes", params=params, entity="note"):
        yield page


async def add_note(caller: Caller, body: Body) -> Record:
    """`POST /api/v1/notes`, 10 tokens. The server cleans the HTML."""
    return one(await call(caller, "POST /api/v1/notes", json=dict(body), entity="note"))


async def change_note(caller: Caller, note_id: int, body: Body) -> Record:
    """`PUT /api/v1/notes/{id}`, 10 tokens."""
    endpoint = "PUT /api/v1/notes/{id}"
    return one(await call(caller, endpoint, note_id, json=dict(body), entity="note"))


async def list_files(caller: Caller) -> AsyncIterator[Page]:
    """`GET /api/v1/files`, 20 tokens a page of 100; those of all records."""
    params: Query = {"sort": "id ASC", "limit": FILES_PER_PAGE}
    async for page in pages_v1(caller, "GET /api/v1/files", params=params, entity="file"):
        yield page


async def remove_note(caller: Caller, note_id: int) -> None:
    """`DELETE /api/v1/notes/{id}`, 6 tokens; can't be restored."""
    await call(caller, "DELETE /api/v1/notes/{id}", note_id, entity="note")


def _hundreds(ids: Sequence[int]) -> Iterator[str]:
    for first in range(0, len(ids), IDS_PER_CALL):
        yield ",".join(str(each) for each in ids[first : first + IDS_PER_CALL])
