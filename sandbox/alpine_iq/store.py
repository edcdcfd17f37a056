"""The SQLite file that holds one simulated account: opening, documents, contacts, orders, calls.

Every statement of the sandbox that is not about filling or editing an account stands here. Contacts
come out as `Contact`; documents as bytes of JSON. Raises `sqlite3.Error` when the file is unusable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

_CONTACT: Final = (
    "select seq, contact_id, hidden, merged_into, visible_from, doc"
    " from contacts join contact_docs using (seq)"
)
SHAPE: Final = 3  # of the tables; a state of another shape is made anew
EVENT_KINDS: Final = ("adjustment", "redemption", "conversion", "expiration")


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as stored; `doc` is JSON of the shape of the look-up by id."""

    seq: int
    contact_id: str
    hidden: str | None
    merged_into: int | None
    visible_from: float
    doc: bytes

    def document(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.doc)
        return decoded


def digits_of(text: str | None) -> str:
    """The last ten digits of a telephone number: how numbers are compared."""
    return "".join(each for each in text or "" if each.isdecimal())[-10:]


def _sql(name: str) -> str:
    return files("sandbox.alpine_iq").joinpath(name).read_text(encoding="utf-8")


class Store:
    """One account's state."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.execute("pragma journal_mode = wal")
        self.execute("pragma synchronous = off")
        self.execute("pragma cache_size = -65536")
        self.connection.executescript(_sql("schema.sql"))

    def is_complete(self) -> bool:
        """Whether a whole account of today's shape stands here."""
        return bool(self.value("pragma user_version") == SHAPE)

    def complete(self) -> None:
        """Says that everything of the account was written."""
        self.execute(f"pragma user_version = {SHAPE}")

    def close(self) -> None:
        self.connection.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self.connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def build_indexes(self) -> None:
        self.connection.executescript(_sql("indexes.sql"))
        self.execute("analyze")

    # what the account is

    def meta(self, name: str) -> Any:
        """A remembered value; None when never set."""
        text = self.value("select value from meta where name = ?", (name,))
        return None if text is None else msgspec.json.decode(text)

    def set_meta(self, name: str, value: Any) -> None:
        text = msgspec.json.encode(value).decode()
        self.execute("insert or replace into meta values (?, ?)", (name, text))

    def documents(self, kind: str) -> list[bytes]:
        found = self.rows("select doc from documents where kind = ? order by position", (kind,))
        return [row[0] for row in found]

    def document(self, kind: str, document_id: str) -> bytes | None:
        found: bytes | None = self.value(
            "select doc from documents where kind = ? and id = ?", (kind, document_id)
        )
        return found

    def put_document(self, kind: str, document_id: str, position: int, doc: Any) -> None:
        self.execute(
            "insert or replace into documents values (?, ?, ?, ?)",
            (kind, document_id, position, msgspec.json.encode(doc)),
        )

    # contacts

    def contacts(self, where: str, values: Sequence[Any] = ()) -> list[Contact]:
        """Contacts that meet a condition; the condition may end in an order and a limit."""
        numbers = self.rows(f"select seq from contacts {where}", values)
        return [Contact(*self.rows(f"{_CONTACT} where seq = ?", number)[0]) for number in numbers]

    def page(self, where: str, values: Sequence[Any]) -> list[bytes]:
        """Documents of the contacts that meet a condition, in its order, by one statement."""
        numbers = [row[0] for row in self.rows(f"select seq from contacts {where}", values)]
        docs = dict(
            self.rows(
                "select seq, doc from contact_docs where seq in (select value from json_each(?))",
                (msgspec.json.encode(numbers).decode(),),
            )
        )
        return [docs[number] for number in numbers]

    def put_contact_doc(self, seq: int, doc: dict[str, Any]) -> None:
        self.execute(
            "insert or replace into contact_docs values (?, ?)", (seq, msgspec.json.encode(doc))
        )

    def contact(self, contact_id: str) -> Contact | None:
        found = self.contacts("where contact_id = ?", (contact_id,))
        return found[0] if found else None

    def contact_number(self, seq: int) -> Contact | None:
        found = self.contacts("where seq = ?", (seq,))
        return found[0] if found else None

    def orders(self, seq: int, now: float) -> list[tuple[int, bytes]]:
        """Instant and packed order, newest first."""
        return self.rows(
            "select ts, packed from orders where seq = ? and visible_from <= ? "
            "order by ts desc, ordinal",
            (seq, now),
        )

    def events(self, kind: str, start: int, end: int) -> list[bytes]:
        found = self.rows(
            "select doc from events where kind = ? and ts between ? and ? order by ts desc",
            (kind, start, end),
        )
        return [row[0] for row in found]

    # calls

    def log_call(self, at: float, method: str, path: str, status: int, *, counted: bool) -> None:
        self.execute(
            "insert into calls (at, method, path, status, counted) values (?, ?, ?, ?, ?)",
            (at, method, path, status, counted),
        )

    def counted_since(self, at: float) -> Iterator[float]:
        """Instants of the calls that count against the limits, oldest first."""
        found = self.execute("select at from calls where counted and at > ? order by at", (at,))
        return (row[0] for row in found)
