"""Search over an index that lags: what changed within the lag is seen as it was before.

Matching ignores case except in `itemSearch/field`; `exact_match` compares whole values. Deleted
organizations stay findable, deleted persons for a while, deleted deals and products not at all.
The index is a scan: fine for rehearsals, slow above a few hundred thousand records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import invalid
from sandbox.pipedrive.listing import page_of_items
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc, decode

KINDS: Final = {
    "deal": ("title", "notes", "custom_fields"),
    "person": ("name", "email", "phone", "notes", "custom_fields"),
    "organization": ("name", "address", "notes", "custom_fields"),
    "product": ("name", "code", "custom_fields"),
}
SEARCHABLE: Final = frozenset(
    {"address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"}
)
SAFE_RUN: Final = re.compile(r"[a-z0-9 @.+-]+")
NOTE_COLUMN: Final = {"deal": "deal_id", "person": "person_id", "organization": "org_id"}


def _needle(term: str) -> str:
    """The longest part of the term that a byte-wise filter in SQL cannot miss."""
    runs = SAFE_RUN.findall(term.casefold())
    return max(runs, key=len, default="")


def _alive(account: Account, kind: str, now: float) -> tuple[str, list[Any]]:
    if kind == "organization":
        return "1", []
    if kind == "person":
        horizon = now - account.switches.deleted_person_search_seconds
        return "(deleted IS NULL OR deleted>?)", [horizon]
    return "deleted IS NULL", []


def indexed(account: Account, kind: str, term: str, now: float) -> Iterator[Doc]:
    """Records that may match, as the index knows them."""
    stale: dict[int, bytes | None] = {}
    for record_id, body in account.store.execute(
        "SELECT id, doc FROM stale WHERE kind=? AND until>? ORDER BY rowid", (kind, now)
    ):
        stale.setdefault(record_id, body)
    alive, values = _alive(account, kind, now)
    sql = f"{alive} AND instr(lower(CAST(doc AS TEXT)), ?)>0 ORDER BY id"
    hidden = account.switches.hidden.get(kind, ())
    for row in account.store.rows(kind, sql, [*values, _needle(term)]):
        if row.id not in stale and row.id not in hidden:
            yield row.doc
    for record_id, body in stale.items():
        if body is not None and record_id not in hidden:
            yield decode(body)


def _custom_texts(account: Account, kind: str, doc: Doc) -> list[str]:
    texts: list[str] = []
    known = account.fields.by_entity[kind]
    for code, value in doc["custom_fields"].items():
        definition = known.get(code)
        if definition is None or definition.type not in SEARCHABLE:
            continue
        texts.append(str(value["value"] if isinstance(value, dict) else value))
    return texts


def _texts(account: Account, kind: str, doc: Doc, fields: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in fields:
        if field in ("email", "phone"):
            found[field] = [entry["value"] for entry in doc[field + "s"]]
        elif field == "address":
            found[field] = [doc["address"]["value"]] if doc["address"] else []
        elif field == "custom_fields":
            found[field] = _custom_texts(account, kind, doc)
        elif field != "notes":
            found[field] = [doc[field]] if doc.get(field) else []
    return found


class Query:
    """One search call: its term, its way of matching, its fields."""

    def __init__(self, call: Call) -> None:
        self.term = str(call.query["term"]).strip()
        self.exact = bool(call.query.get("exact_match"))
        self.fields = call.query.get("fields")
        shortest = 1 if self.exact else 2
        if len(self.term) < shortest:
            raise invalid([f"term: The value must have at least {shortest} characters"])
        self._folded = self.term.casefold()

    def hits(self, text: str) -> bool:
        folded = text.casefold()
        return folded == self._folded if self.exact else self._folded in folded

    def fields_of(self, kind: str) -> tuple[str, ...]:
        if self.fields is None:
            return KINDS[kind]
        return tuple(field for field in self.fields.split(",") if field in KINDS[kind])


def _note_parents(account: Account, kind: str, query: Query) -> dict[int, list[str]]:
    column = NOTE_COLUMN.get(kind)
    found: dict[int, list[str]] = {}
    if column is None or "notes" not in query.fields_of(kind):
        return found
    sql = f"deleted IS NULL AND {column} IS NOT NULL AND instr(lower(CAST(doc AS TEXT)), ?)>0"
    for row in account.store.rows("note", sql, (_needle(query.term),)):
        if query.hits(row.doc["content"]):
            found.setdefault(row.doc[column], []).append(row.doc["content"])
    return found


def _search(account: Account, call: Call, kind: str, query: Query) -> list[Doc]:
    fields = query.fields_of(kind)
    notes = _note_parents(account, kind, query)
    items: list[Doc] = []
    seen: set[int] = set()
    for doc in indexed(account, kind, query.term, call.now):
        matching = {
            field: [text for text in texts if query.hits(text)]
            for field, texts in _texts(account, kind, doc, fields).items()
        }
        if not any(matching.values()) and doc["id"] not in notes:
            continue
        seen.add(doc["id"])
        whole = any(
            text.casefold() == query.term.casefold()
            for texts in matching.values()
            for text in texts
        )
        item = _item(account, kind, doc, matching.get("custom_fields", []))
        item["notes"] = notes.get(doc["id"], [])
        items.append({"result_score": 1.0 if whole else 0.5, "item": item})
    for record_id, texts in notes.items():
        row = account.find(kind, record_id) if record_id not in seen else None
        if row is not None and row.deleted is None:
            item = {**_item(account, kind, row.doc, []), "notes": texts}
            items.append({"result_score": 0.3, "item": item})
    items.sort(key=lambda entry: (-entry["result_score"], entry["item"]["id"]))
    return items


def _named(account: Account, kind: str, record_id: int | None, key: str = "name") -> Doc | None:
    row = account.store.get(kind, record_id) if record_id is not None else None
    return None if row is None else {"id": row.id, key: row.doc[key]}


def _item(account: Account, kind: str, doc: Doc, custom: list[str]) -> Doc:
    shared = {
        "id": doc["id"],
        "type": kind,
        "visible_to": doc["visible_to"],
        "owner": {"id": doc["owner_id"]},
        "custom_fields": custom,
    }
    if kind == "person":
        return shared | {
            "name": doc["name"],
            "phones": [entry["value"] for entry in doc["phones"]],
            "emails": [entry["value"] for entry in doc["emails"]],
            "organization": _named(account, "organization", doc["org_id"]),
        }
    if kind == "organization":
        address = doc["address"]
        return shared | {"name": doc["name"], "address": address["value"] if address else None}
    if kind == "product":
        return shared | {"name": doc["name"], "code": doc["code"]}
    return shared | {
        "title": doc["title"],
        "value": doc["value"],
        "currency": doc["currency"],
        "status": doc["status"],
        "stage": _named(account, "stage", doc["stage_id"]),
        "person": _named(account, "person", doc["person_id"]),
        "organization": _named(account, "organization", doc["org_id"]),
        "is_archived": doc["is_archived"],
    }


def _narrowed(items: list[Doc], call: Call) -> list[Doc]:
    kept = items
    for parameter, key in (("organization_id", "organization"), ("person_id", "person")):
        if parameter in call.query:
            wanted = call.query[parameter]
            kept = [entry for entry in kept if (entry["item"].get(key) or {}).get("id") == wanted]
    if "status" in call.query:
        kept = [entry for entry in kept if entry["item"]["status"] == call.query["status"]]
    return kept


def _route(kind: str) -> Handler:
    def search(account: Account, call: Call) -> Answer:
        items = _narrowed(_search(account, call, kind, Query(call)), call)
        return _paged(account, call, items)

    return search


def _paged(account: Account, call: Call, items: list[Doc]) -> Answer:
    answer = page_of_items(account, call, call.endpoint.path, items)
    return Answer({"items": answer.data}, answer.beside)


def _all_kinds(account: Account, call: Call) -> Answer:
    query = Query(call)
    wanted = call.query.get("item_types")
    kinds = list(KINDS) if wanted is None else [k for k in wanted.split(",") if k in KINDS]
    items = [item for kind in kinds for item in _search(account, call, kind, query)]
    items.sort(key=lambda entry: -entry["result_score"])
    answer = _paged(account, call, items)
    answer.data["related_items"] = []
    return answer


def _field(account: Account, call: Call) -> Answer:
    kind, code = call.query["entity_type"], call.query["field"]
    if kind not in KINDS or account.fields.find(kind, code) is None:
        raise invalid([f"field: The field '{code}' does not exist"])
    term, match = call.query["term"], call.query.get("match", "exact")
    if len(term) < (1 if match == "exact" else 2):
        raise invalid(["term: The value is too short"])
    found: list[Doc] = []
    for doc in indexed(account, kind, term, call.now):
        value = doc["custom_fields"].get(code, doc.get(code))
        text = "" if value is None else str(value)
        hit = {"exact": text == term, "beginning": text.startswith(term), "middle": term in text}
        if value is not None and hit[match]:
            found.append({"result_score": 1.0, "item": {"id": doc["id"], code: value}})
    return page_of_items(account, call, call.endpoint.path, found)


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/api/v2/deals/search"): _route("deal"),
    ("GET", "/api/v2/persons/search"): _route("person"),
    ("GET", "/api/v2/organizations/search"): _route("organization"),
    ("GET", "/api/v2/products/search"): _route("product"),
    ("GET", "/api/v2/itemSearch"): _all_kinds,
    ("GET", "/api/v2/itemSearch/field"): _field,
}
