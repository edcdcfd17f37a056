"""v2 pages with an opaque cursor, and v1 pages with start and limit.

A cursor is a keyset marker (sort value and id of the last row), tied to its list and sort order.
It is no snapshot: rows that change while a client pages may appear twice or move.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Set
from typing import Any, Final

import msgspec

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, invalid
from sandbox.pipedrive.shape import as_instant
from sandbox.pipedrive.store import Doc, Row

MOST_IDS: Final = 100
DEFAULT_PAGE: Final = 100


def page_size(account: Account, call: Call, maximum: int = 500) -> int:
    parameter = call.endpoint.query.get("limit")
    most = (parameter.maximum if parameter is not None else None) or maximum
    limit = call.query.get("limit", DEFAULT_PAGE)
    if call.endpoint.version == 1:
        return int(min(max(limit, 1), most))
    if limit > most and account.switches.page_above_maximum == "clamp":
        return int(most)
    if limit != int(limit) or not 1 <= limit <= most:
        raise invalid([f"limit: The value must be between 1 and {most}"])
    return int(limit)


def encode_cursor(parts: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def decode_cursor(text: str, expected: list[Any]) -> list[Any]:
    """The part of the cursor after `expected`, which must match."""
    try:
        padded = text + "=" * (-len(text) % 4)
        parts = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise invalid(["cursor: The cursor is not valid"]) from error
    size = len(expected)
    if not isinstance(parts, list) or parts[:size] != expected or len(parts) != size + 2:
        raise invalid(["cursor: The cursor is not valid"])
    if not isinstance(parts[-1], int):
        raise invalid(["cursor: The cursor is not valid"])
    return parts[size:]


def id_list(text: str) -> list[int]:
    parts = text.split(",")
    if len(parts) > MOST_IDS:
        raise invalid([f"ids: At most {MOST_IDS} ids are allowed"])
    if not all(part.isascii() and part.isdigit() and len(part) < 17 for part in parts):
        raise invalid(["ids: The value is not a valid list of ids"])
    return [int(part) for part in parts]


class Conditions:
    """SQL conditions and their values."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, sql: str, *values: Any) -> None:
        self.parts.append(sql)
        self.values.extend(values)

    def sql(self) -> str:
        return " AND ".join(self.parts) or "1"


def shared_conditions(
    account: Account, call: Call, kind: str, columns: tuple[str, ...], *, deleted: bool = False
) -> Conditions:
    """The filters that all v2 lists have; with `filter_id` the others are ignored."""
    conditions = Conditions()
    conditions.add("deleted IS NOT NULL" if deleted else "deleted IS NULL")
    hidden = account.switches.hidden.get(kind)
    if hidden:
        conditions.add(f"id NOT IN ({','.join('?' * len(hidden))})", *hidden)
    if account.switches.list_lag > 0:
        conditions.add("created<=?", call.now - account.switches.list_lag)
    query = call.query
    if "filter_id" in query:
        raise invalid(["filter_id: The filter does not exist"])
    if "ids" in query:
        ids = id_list(query["ids"])
        conditions.add(f"id IN ({','.join('?' * len(ids))})", *ids)
    for column in columns:
        if column in query:
            conditions.add(f"{column}=?", query[column])
    for name, sign in (("updated_since", ">="), ("updated_until", "<")):
        if name in query:
            moment = as_instant(query[name])
            if moment is None:
                raise invalid([f"{name}: The value is not a valid datetime"])
            conditions.add(f"update_time{sign}?", moment)
    return conditions


def page(
    account: Account, call: Call, kind: str, conditions: Conditions, show: Callable[[Doc], Doc]
) -> Answer:
    """One v2 page in the order that the query asks for."""
    limit = page_size(account, call)
    sort = call.query.get("sort_by", "id")
    descending = call.query.get("sort_direction", "asc") == "desc"
    marker: list[Any] = [kind, sort, descending]
    if "cursor" in call.query:
        value, last_id = decode_cursor(call.query["cursor"], marker)
        if account.switches.cursor_fault == "expire":
            raise invalid(["cursor: The cursor has expired"])
        sign = "<" if descending else ">"
        if sort == "id":
            conditions.add(f"id{sign}?", last_id)
        else:
            conditions.add(f"({sort},id){sign}(?,?)", value, last_id)
    way = "DESC" if descending else "ASC"
    order = f"id {way}" if sort == "id" else f"{sort} {way}, id {way}"
    found = list(
        account.store.rows(
            kind, f"{conditions.sql()} ORDER BY {order} LIMIT ?", [*conditions.values, limit + 1]
        )
    )
    next_cursor = None
    if len(found) > limit:
        last = found[limit - 1]
        if account.switches.cursor_fault == "loop" and "cursor" in call.query:
            next_cursor = call.query["cursor"]
        else:
            value = None if sort == "id" else last.doc.get(sort)
            next_cursor = encode_cursor([*marker, value, last.id])
    data = [show(row.doc) for row in found[:limit]]
    return Answer(data, {"additional_data": {"next_cursor": next_cursor}})


def page_of_items(account: Account, call: Call, name: str, items: list[Any]) -> Answer:
    """One v2 page of a short list held in memory; the cursor counts items."""
    limit = page_size(account, call)
    start = 0
    if "cursor" in call.query:
        start = decode_cursor(call.query["cursor"], [name])[1]
    more = start + limit < len(items)
    next_cursor = encode_cursor([name, None, start + limit]) if more else None
    return Answer(items[start : start + limit], {"additional_data": {"next_cursor": next_cursor}})


def sorted_by(text: str, sortable: Set[str]) -> str:
    """`add_time DESC, id` of a v1 list as SQL; unknown columns are a bad request."""
    parts: list[str] = []
    for part in text.split(","):
        words = part.split()
        way = words[1].upper() if len(words) == 2 else "ASC"
        if not words or words[0] not in sortable or way not in ("ASC", "DESC"):
            raise general(400, "Bad request")
        parts.append(f"{words[0]} {way}")
    return ", ".join([*parts, "id"])


def v1_page(
    account: Account,
    call: Call,
    fetch: Callable[[int, int], list[Row]],
    show: Callable[[Doc], Doc],
) -> Answer:
    """One v1 page; `fetch(limit, offset)` gives the rows."""
    limit = page_size(account, call)
    start = max(0, int(call.query.get("start", 0)))
    found = fetch(limit + 1, start)
    more = len(found) > limit
    pagination: dict[str, Any] = {
        "start": start,
        "limit": limit,
        "more_items_in_collection": more,
    }
    if more:
        pagination["next_start"] = start + limit
    return Answer(
        [show(row.doc) for row in found[:limit]], {"additional_data": {"pagination": pagination}}
    )
