"""All state of the simulated account in one SQLite file: JSON documents in plain tables.

Each kind of record has a table `(id, doc, created, add_time, update_time, deleted, archived,
references...)`. `doc` is the record as JSON; the other columns repeat what lists filter by.
Times: `created` and `deleted` are epoch seconds, `add_time` and `update_time` the API's text.
A write is committed before its answer leaves; `synchronous=OFF` trades power cuts for speed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder().decode

Doc = dict[str, Any]

REFERENCES: Final[dict[str, tuple[str, ...]]] = {
    "organization": ("owner_id",),
    "person": ("owner_id", "org_id"),
    "product": ("owner_id", "name"),
    "deal": ("owner_id", "person_id", "org_id", "pipeline_id", "stage_id", "status"),
    "deal_product": ("deal_id", "product_id", "order_nr"),
    "discount": ("deal_id",),
    "activity": ("owner_id", "deal_id", "lead_id", "person_id", "org_id", "done", "due_date"),
    "note": (
        "user_id",
        "deal_id",
        "person_id",
        "org_id",
        "lead_id",
        "project_id",
        "task_id",
    ),
    "comment": ("note_id",),
    "file": ("deal_id", "person_id", "org_id", "product_id"),
    "follower": ("entity", "entity_id", "user_id"),
    "pipeline": ("order_nr",),
    "stage": ("pipeline_id", "order_nr"),
    "user": (),
    "webhook": (),
    "activity_type": (),
    "field": ("entity", "code"),
}
INDEXES: Final = (
    ("person", "org_id"),
    ("deal", "person_id"),
    ("deal", "org_id"),
    ("deal_product", "deal_id"),
    ("note", "deal_id"),
    ("discount", "deal_id"),
    ("follower", "entity_id"),
)
TIMED: Final = ("organization", "person", "product", "deal", "note", "activity")

LOGGED: Final = ("deal", "person", "organization")
_NO_FIELDS: Final = frozenset({"custom_fields", "update_time", "_set"})
_COMMON: Final = ("id", "doc", "created", "add_time", "update_time", "deleted", "archived")


@dataclass(slots=True)
class Row:
    """One stored record."""

    id: int
    doc: Doc
    deleted: float | None
    archived: bool


class Store:
    """The tables and their statements."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = self._connect()
        self._next = {kind: self._first_free(kind) for kind in REFERENCES}
        self._insert = {kind: self._insert_statement(kind) for kind in REFERENCES}
        self._update = {kind: self._update_statement(kind) for kind in REFERENCES}

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-65536", "temp_store=2"):
            db.execute(f"PRAGMA {pragma}")
        self.path.chmod(0o600)
        for kind, references in REFERENCES.items():
            columns = "".join(f", {name}" for name in references)
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {kind} (id INTEGER PRIMARY KEY, doc BLOB NOT NULL, "
                f"created REAL NOT NULL, add_time TEXT, update_time TEXT, deleted REAL, "
                f"archived INTEGER NOT NULL{columns})"
            )
            db.execute(
                f"CREATE INDEX IF NOT EXISTS {kind}_deleted ON {kind} (deleted) "
                "WHERE deleted IS NOT NULL"
            )
        for kind, column in INDEXES:
            db.execute(f"CREATE INDEX IF NOT EXISTS {kind}_{column} ON {kind} ({column})")
        for kind in TIMED:
            db.execute(f"CREATE INDEX IF NOT EXISTS {kind}_updated ON {kind} (update_time, id)")
        db.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL)")
        db.execute("CREATE TABLE IF NOT EXISTS blob (file_id INTEGER PRIMARY KEY, body BLOB)")
        db.execute("CREATE TABLE IF NOT EXISTS stale (kind TEXT, id INTEGER, doc BLOB, until REAL)")
        db.execute("CREATE INDEX IF NOT EXISTS stale_until ON stale (until)")
        db.execute(
            "CREATE TABLE IF NOT EXISTS change (seq INTEGER PRIMARY KEY, kind TEXT, id INTEGER, "
            "entry BLOB)"
        )
        db.execute("CREATE INDEX IF NOT EXISTS change_of ON change (kind, id)")
        db.execute(
            "CREATE TABLE IF NOT EXISTS call_log (seq INTEGER PRIMARY KEY, at REAL, method TEXT, "
            "path TEXT, status INTEGER, tokens INTEGER, fault TEXT)"
        )
        db.execute(
            "CREATE TABLE IF NOT EXISTS exchange (seq INTEGER PRIMARY KEY, method TEXT, path TEXT, "
            "query TEXT, request BLOB, status INTEGER, content_type TEXT, reply BLOB)"
        )
        return db

    def _first_free(self, kind: str) -> int:
        saved = self.meta(f"next_{kind}")
        top = self._db.execute(f"SELECT max(id) FROM {kind}").fetchone()[0] or 0
        return max(int(saved or 1), int(top) + 1)

    @staticmethod
    def _insert_statement(kind: str) -> str:
        names = (*_COMMON, *REFERENCES[kind])
        return f"INSERT INTO {kind} ({','.join(names)}) VALUES ({','.join('?' * len(names))})"

    @staticmethod
    def _update_statement(kind: str) -> str:
        names = ("doc", "update_time", "deleted", "archived", *REFERENCES[kind])
        return f"UPDATE {kind} SET {','.join(f'{name}=?' for name in names)} WHERE id=?"

    # transactions

    def begin(self) -> None:
        self._db.execute("BEGIN")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._db.execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def close(self) -> None:
        self._db.close()

    # meta

    def meta(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else decode(row[0])

    def set_meta(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (name, encode(value)))

    # records

    def start_ids_at(self, kind: str, first: int) -> None:
        self._next[kind] = max(self._next[kind], first)

    def reserve_ids(self, kind: str, count: int = 1) -> int:
        """The first of `count` ids that no other record will ever have."""
        first = self._next[kind]
        self._next[kind] = first + count
        return first

    def insert(self, kind: str, doc: Doc, now: float, *, archived: bool = False) -> Doc:
        """Stores a new record; `doc` already carries its id."""
        self._db.execute(self._insert[kind], self._values(kind, doc, now, archived=archived))
        return doc

    def insert_many(self, kind: str, docs: Iterable[Doc], now: float) -> None:
        self._db.executemany(self._insert[kind], (self._values(kind, doc, now) for doc in docs))

    @staticmethod
    def _values(kind: str, doc: Doc, now: float, *, archived: bool = False) -> tuple[Any, ...]:
        get = doc.get
        return (
            doc["id"],
            encode(doc),
            now,
            get("add_time"),
            get("update_time"),
            None,
            archived,
            *(get(name) for name in REFERENCES[kind]),
        )

    def save(
        self, kind: str, doc: Doc, *, deleted: float | None = None, archived: bool = False
    ) -> None:
        get = doc.get
        references = (get(name) for name in REFERENCES[kind])
        self._db.execute(
            self._update[kind],
            (encode(doc), get("update_time"), deleted, archived, *references, doc["id"]),
        )

    def get(self, kind: str, record_id: int) -> Row | None:
        found = self._db.execute(
            f"SELECT id, doc, deleted, archived FROM {kind} WHERE id=?", (record_id,)
        ).fetchone()
        return None if found is None else Row(found[0], decode(found[1]), found[2], bool(found[3]))

    def is_live(self, kind: str, record_id: int) -> bool:
        sql = f"SELECT 1 FROM {kind} WHERE id=? AND deleted IS NULL"
        return self._db.execute(sql, (record_id,)).fetchone() is not None

    def rows(self, kind: str, where: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Records that meet an SQL condition, which may end in ORDER BY and LIMIT."""
        sql = f"SELECT id, doc, deleted, archived FROM {kind} WHERE {where}"
        for found in self._db.execute(sql, values):
            yield Row(found[0], decode(found[1]), found[2], bool(found[3]))

    def count(self, kind: str, where: str = "deleted IS NULL", values: Sequence[Any] = ()) -> int:
        sql = f"SELECT count(*) FROM {kind} WHERE {where}"
        return int(self._db.execute(sql, values).fetchone()[0])

    def remove(self, kind: str, record_id: int) -> None:
        self._db.execute(f"DELETE FROM {kind} WHERE id=?", (record_id,))
        self._db.execute("DELETE FROM change WHERE kind=? AND id=?", (kind, record_id))

    def save_ids(self) -> None:
        """Notes the next free ids, so that a purge of the newest record frees none."""
        for kind, value in self._next.items():
            self.set_meta(f"next_{kind}", value)

    def remember_stale(self, kind: str, record_id: int, doc: Doc | None, until: float) -> None:
        """Until then, searches see the record as `doc`; None means not yet there."""
        body = None if doc is None else encode(doc)
        self._db.execute("INSERT INTO stale VALUES (?,?,?,?)", (kind, record_id, body, until))

    def note_change(  # noqa: PLR0917
        self, kind: str, before: Doc, after: Doc, user_id: int, source: str, at: float
    ) -> None:
        """Remembers which fields of a record a change gave another value."""
        if kind not in LOGGED:
            return
        was, now = _fields_of(before), _fields_of(after)
        entries = [
            {
                "field": name,
                "before": was.get(name),
                "after": now.get(name),
                "user_id": user_id,
                "source": source,
                "at": at,
            }
            for name in was | now
            if was.get(name) != now.get(name)
        ]
        self._db.executemany(
            "INSERT INTO change (kind, id, entry) VALUES (?,?,?)",
            [(kind, after["id"], encode(entry)) for entry in entries],
        )

    def changes_of(self, kind: str, record_id: int) -> list[Doc]:
        """The changes of one record, newest first."""
        sql = "SELECT entry FROM change WHERE kind=? AND id=? ORDER BY seq DESC"
        return [decode(found[0]) for found in self._db.execute(sql, (kind, record_id))]

    # copies

    def copy_to(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as target:
            self._db.backup(target)
        target.close()
        path.chmod(0o600)

    def copy_from(self, path: Path) -> None:
        with sqlite3.connect(path) as source:
            source.backup(self._db)
        source.close()
        self._next = {kind: self._first_free(kind) for kind in REFERENCES}

    def clear(self) -> None:
        names = ("meta", "blob", "stale", "change", "call_log", "exchange", *REFERENCES)
        for name in names:
            self._db.execute(f"DELETE FROM {name}")
        self._next = dict.fromkeys(REFERENCES, 1)


def _fields_of(doc: Doc) -> Doc:
    """A record's values by field key."""
    native = {name: value for name, value in doc.items() if name not in _NO_FIELDS}
    return {**native, **doc["custom_fields"]}
