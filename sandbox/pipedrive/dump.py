"""A canonical text of the account, the same for two runs that reached the same end state.

One line per live record, `entity<TAB>json`, sorted. Server ids, codes, counters and times that
the server chose are left out; links and options appear by content: a parent by a digest of its
own line, an option by its label, a field by its name. `raw_lines` is the opposite: everything as
it is stored, ids and deleted records included, one JSON object a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.field_registry import FieldDefinition
from sandbox.pipedrive.store import Doc, Row

ORDER: Final = (
    "pipeline",
    "stage",
    "organization",
    "person",
    "product",
    "deal",
    "deal_product",
    "note",
    "activity",
    "file",
)
LINKS: Final = {
    "org_id": "organization",
    "person_id": "person",
    "deal_id": "deal",
    "product_id": "product",
    "pipeline_id": "pipeline",
    "stage_id": "stage",
}
SERVER_MADE: Final = frozenset(
    {
        "id",
        "add_time",
        "update_time",
        "stage_change_time",
        "order_nr",
        "owner_id",
        "user_id",
        "creator_user_id",
        "last_update_user_id",
        "won_time",
        "lost_time",
        "close_time",
        "local_won_date",
        "local_lost_date",
        "local_close_date",
        "archive_time",
        "marked_as_done_time",
        "_set",
    }
)
KEPT_WHEN_SET: Final = ("add_time", "won_time", "lost_time", "close_time")


def raw_lines(account: Account) -> Iterator[str]:
    """Every record and field: {"entity", "id", "deleted", "archived", "record"}."""
    for entity, known in account.fields.by_entity.items():
        for number, definition in enumerate(known.values(), 1):
            about = {
                "entity": entity,
                "field_code": definition.code,
                "field_name": definition.name,
                "field_type": definition.type,
                "is_custom_field": definition.is_custom,
                "options": [
                    {"id": option, "label": value["label"]}
                    for option, value in definition.options.items()
                ],
            }
            yield _raw("field", number, about, deleted=False, archived=False)
    for entity in ORDER:
        for row in account.store.rows(entity, "1 ORDER BY id"):
            shown = {name: value for name, value in row.doc.items() if name != "_set"}
            yield _raw(
                entity, row.id, shown, deleted=row.deleted is not None, archived=row.archived
            )


def _raw(entity: str, number: int, record: Doc, *, deleted: bool, archived: bool) -> str:
    line = {
        "entity": entity,
        "id": number,
        "deleted": deleted,
        "archived": archived,
        "record": record,
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


class Dump:
    """Writes the canonical lines of one account into a temporary table and reads them sorted."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.store

    def lines(self) -> Iterator[str]:
        """All lines in order; memory stays flat."""
        store = self._store
        store.execute("DROP TABLE IF EXISTS temp.canonical")
        store.execute(
            "CREATE TEMP TABLE canonical (entity TEXT, id INTEGER, digest TEXT, line TEXT, "
            "PRIMARY KEY (entity, id)) WITHOUT ROWID"
        )
        yield from sorted(self._fields())
        for entity in ORDER:
            self._fill(entity)
            found = store.execute(
                "SELECT line FROM canonical WHERE entity=? ORDER BY line", (entity,)
            )
            for (line,) in found:
                yield f"{entity}\t{line}"
        store.execute("DROP TABLE temp.canonical")

    def digest(self) -> str:
        summary = hashlib.sha256()
        for line in self.lines():
            summary.update(line.encode())
            summary.update(b"\n")
        return summary.hexdigest()

    def _fields(self) -> Iterator[str]:
        for entity, known in self._account.fields.by_entity.items():
            for definition in known.values():
                labels = sorted(option["label"] for option in definition.options.values())
                if definition.is_custom or definition.code == "label_ids":
                    about = [definition.name, definition.type, labels]
                    yield f"{entity}_field\t{json.dumps(about, ensure_ascii=False)}"

    def _fill(self, entity: str) -> None:
        where = "deleted IS NULL ORDER BY id"
        if entity == "deal_product":
            where = "deal_id IN (SELECT id FROM deal WHERE deleted IS NULL) ORDER BY id"
        self._store.execute_many(
            "INSERT INTO canonical VALUES (?,?,?,?)",
            (self._entry(entity, row) for row in self._store.rows(entity, where)),
        )

    def _entry(self, entity: str, row: Row) -> tuple[str, int, str, str]:
        doc = self._canonical(entity, row.doc)
        if entity == "file":
            doc = {key: value for key, value in doc.items() if key not in ("file_name", "url")}
            doc["content"] = self._content(row.id)
        line = json.dumps(doc, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return entity, row.id, hashlib.sha256(line.encode()).hexdigest()[:20], line

    def _canonical(self, entity: str, stored: Doc) -> Doc:
        doc: Doc = {}
        for key, value in stored.items():
            if key in SERVER_MADE or value is None:
                continue
            if key in LINKS:
                doc[key] = self._link(LINKS[key], value)
            elif key == "label_ids":
                doc["labels"] = sorted(self._labels(entity, value))
            elif key == "custom_fields":
                doc[key] = self._custom(entity, value)
            else:
                doc[key] = value
        for key in KEPT_WHEN_SET:
            if key in stored.get("_set", ()):
                doc[key] = stored[key]
        return doc

    def _content(self, file_id: int) -> str:
        (content,) = self._store.execute(
            "SELECT body FROM blob WHERE file_id=?", (file_id,)
        ).fetchone()
        return hashlib.sha256(content).hexdigest()

    def _link(self, entity: str, record_id: int) -> str:
        found = self._store.execute(
            "SELECT digest FROM canonical WHERE entity=? AND id=?", (entity, record_id)
        ).fetchone()
        return str(found[0]) if found is not None else "deleted"

    def _labels(self, entity: str, ids: list[int]) -> list[str]:
        known = self._account.fields.labels(entity)
        return [known[number]["label"] for number in ids if number in known]

    def _custom(self, entity: str, values: dict[str, Any]) -> dict[str, Any]:
        known = self._account.fields.by_entity[entity]
        return {
            known[code].name: _shown(known[code], value)
            for code, value in values.items()
            if code in known
        }


def _shown(definition: FieldDefinition, value: Any) -> Any:
    if definition.type == "enum":
        return definition.options[value]["label"] if value in definition.options else None
    if definition.type == "set":
        return sorted(
            definition.options[number]["label"] for number in value if number in definition.options
        )
    return value
