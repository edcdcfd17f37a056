"""How an endpoint becomes a call: its name fills in ids, looks up the cost and checks the answer.

`call` raises what the client raises; `one` and `many` raise `Ambiguous` when a success does not
hold what the endpoint promises, because then nobody knows what was done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from load.costs import token_cost
from load.errors import Ambiguous
from load.outcomes import Answer

Record = dict[str, Any]
Body = Mapping[str, Any]
Query = Mapping[str, str | int]

_PLACE: Final = re.compile(r"\{(?:id|code)\}")


class Caller(Protocol):
    """What sends; `load.client.PipedriveClient` is one."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        cost: int,
        json: object | None = None,
        params: Mapping[str, str | int] | None = None,
        entity: str = "",
        search: bool = False,
    ) -> Answer:
        """Sends one call and gives its answer."""


async def call(
    caller: Caller,
    endpoint: str,
    *ids: int | str,
    json: object | None = None,
    params: Query | None = None,
    entity: str = "",
) -> Answer:
    """Calls an endpoint named as in `load.costs`, its places filled in order."""
    method, template = endpoint.split(" ", 1)
    waiting = iter(ids)
    path = _PLACE.sub(lambda _: str(next(waiting)), template)
    return await caller.call(
        method, path, cost=token_cost(endpoint), json=json, params=params, entity=entity
    )


def one(answer: Answer) -> Record:
    """The record of an answer; a record has an id or a field code."""
    data = answer.data
    if isinstance(data, dict) and (_is_id(data.get("id")) or data.get("field_code")):
        return data
    raise Ambiguous(f"answered {answer.status} without the record")


def many(answer: Answer) -> list[Record]:
    """The records of an answer; v1 says null for none."""
    data = [] if answer.data is None else answer.data
    if isinstance(data, Sequence) and all(isinstance(each, dict) for each in data):
        return list(data)
    raise Ambiguous(f"answered {answer.status} without a list of records")


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
