"""What each endpoint in use costs in tokens, and how a call is named in counts and messages.

An endpoint's name is its method and path with `{id}` for record ids and `{code}` for field codes,
such as `PATCH /api/v2/persons/{id}`: fit for logs, because nothing of a record stands in it.
Costs are flat per call, whatever `limit` is. A test pins them to the `x-token-cost` of the
OpenAPI files. `token_cost` raises `InvariantBroken` for an endpoint that nobody should call.
"""

from __future__ import annotations

import re
from typing import Final

from load.errors import InvariantBroken

RECORDS: Final = ("organizations", "persons", "deals", "products")
FIELD_LISTS: Final = ("organizationFields", "personFields", "dealFields", "productFields")
LINES_PER_BULK_CALL: Final = 100
BULK_LINES_COST: Final = 25
SINGLE_LINE_COST: Final = 5

_OF_RECORDS: Final = {
    f"{method} /api/v2/{name}{rest}": cost
    for name in RECORDS
    for method, rest, cost in (
        ("GET", "", 10),
        ("POST", "", 5),
        ("GET", "/{id}", 1),
        ("PATCH", "/{id}", 5),
        ("DELETE", "/{id}", 3),
        ("GET", "/search", 20),
    )
}
_OF_FIELDS: Final = {
    f"{method} /api/v2/{name}{rest}": cost
    for name in FIELD_LISTS
    for method, rest, cost in (
        ("GET", "", 10),
        ("POST", "", 5),
        ("GET", "/{code}", 1),
        ("PATCH", "/{code}", 5),
        ("DELETE", "/{code}", 3),
        ("POST", "/{code}/options", 5),
        ("PATCH", "/{code}/options", 5),
        ("DELETE", "/{code}/options", 3),
    )
}
_OF_V1_FIELDS: Final = {
    f"{method} /api/v1/{name}{rest}": cost
    for name in FIELD_LISTS
    for method, rest, cost in (("GET", "", 20), ("PUT", "/{id}", 10))
}
_OF_PIPELINES: Final = {
    f"{method} /api/v2/{name}{rest}": cost
    for name in ("pipelines", "stages")
    for method, rest, cost in (
        ("GET", "", 5),
        ("POST", "", 5),
        ("GET", "/{id}", 1),
        ("PATCH", "/{id}", 5),
        ("DELETE", "/{id}", 3),
    )
}
COSTS: Final = {
    **_OF_RECORDS,
    **_OF_FIELDS,
    **_OF_V1_FIELDS,
    **_OF_PIPELINES,
    "GET /api/v2/deals/archived": 20,
    "GET /api/v2/deals/products": 10,
    "GET /api/v2/deals/{id}/products": 10,
    "POST /api/v2/deals/{id}/products": SINGLE_LINE_COST,
    "POST /api/v2/deals/{id}/products/bulk": BULK_LINES_COST,
    "PATCH /api/v2/deals/{id}/products/{id}": 5,
    "DELETE /api/v2/deals/{id}/products/{id}": 3,
    "DELETE /api/v2/deals/{id}/products": 15,
    "GET /api/v2/activities": 10,
    "POST /api/v2/activities": 5,
    "GET /api/v2/activities/{id}": 1,
    "PATCH /api/v2/activities/{id}": 5,
    "DELETE /api/v2/activities/{id}": 3,
    "GET /api/v1/notes": 20,
    "POST /api/v1/notes": 10,
    "GET /api/v1/notes/{id}": 2,
    "PUT /api/v1/notes/{id}": 10,
    "DELETE /api/v1/notes/{id}": 6,
    "GET /api/v1/files": 20,
    "POST /api/v1/files": 10,
    "GET /api/v1/files/{id}": 2,
    "DELETE /api/v1/files/{id}": 6,
    "GET /api/v1/users": 20,
    "GET /api/v1/users/me": 2,
    "GET /api/v1/webhooks": 10,
    "GET /api/v1/deals/{id}/changelog": 20,
    "GET /api/v1/persons/{id}/changelog": 20,
    "GET /api/v1/organizations/{id}/changelog": 20,
}

_RECORD_ID: Final = re.compile(r"/\d+(?=/|$)")
_FIELD_CODE: Final = re.compile(r"(?<=Fields)/(?!\{id\})[^/]+")


def endpoint_name(method: str, path: str) -> str:
    """`PATCH`, `/api/v2/persons/81` -> `PATCH /api/v2/persons/{id}`."""
    return f"{method.upper()} {_FIELD_CODE.sub('/{code}', _RECORD_ID.sub('/{id}', path))}"


def token_cost(endpoint: str) -> int:
    """Tokens for one call of an endpoint named as in `COSTS`."""
    cost = COSTS.get(endpoint)
    if cost is None:
        raise InvariantBroken(f"{endpoint} is not an endpoint that this package uses")
    return cost


def cheapest_line_calls(lines: int) -> tuple[int, int]:
    """The cheapest (bulk calls, single calls) for the lines of one deal.

    Five lines cost the same both ways and then go as one call: five answers can get lost, one only
    once.
    """
    bulk, rest = divmod(lines, LINES_PER_BULK_CALL)
    if rest * SINGLE_LINE_COST >= BULK_LINES_COST:
        return bulk + 1, 0
    return bulk, rest
