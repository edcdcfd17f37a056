"""A generated account as rows of the raw tables, with no HTTP between: for large builds.

    write(build_account(AccountSpec(personas=100_000)), Path("data/warehouse.duckdb"))

The rows are what an extraction over the API would have landed: the list of contacts, their details
and orders, audiences with members, histories, and hidden contacts found by their traces. Written in
batches, so memory stays flat but for the members of audiences. Raises `duckdb.Error`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa

from sandbox.alpine_iq import views
from sandbox.generator import Account, Bundle
from sandbox.generator.people import Persona

SCHEMA_NAME: Final = "raw_alpine_iq"
TABLES: Final = (
    *("stores", "contacts", "contact_details", "contact_orders", "audiences", "audience_members"),
    *("loyalty_program", "discounts", "discount_groups", "campaigns", "adjustments", "redemptions"),
    *("conversions", "optins", "hidden_contacts", "extraction_runs", "export_personas"),
    *("export_sales_lines", "export_hidden_contacts", "export_files", "loyalty_snapshot"),
)
_LOAD: Final = "generated"
_BATCH: Final = 2_000
_REMEMBERED: Final = 200  # a merged contact's survivor is among the last fifty visible ones
_EVENTS: Final = {
    "adjustment": "adjustments",
    "redemption": "redemptions",
    "conversion": "conversions",
}
_ROWS: Final = pa.schema(
    [
        ("record_key", pa.string()),
        ("payload", pa.string()),
        ("content_hash", pa.string()),
        ("request", pa.string()),
        ("fetched_at", pa.timestamp("us", tz="UTC")),
        ("_dlt_load_id", pa.string()),
        ("_dlt_id", pa.string()),
    ]
)
_encode: Final = msgspec.json.encode
_Row = tuple[str, bytes]


def write(account: Account, warehouse: Path, told: Callable[[int], None] | None = None) -> None:
    """Everything of the account into a new warehouse; `told` hears the contacts written so far."""
    with duckdb.connect(str(warehouse)) as connection:
        landing = _Landing(connection, account)
        landing.make_tables()
        landing.write_documents()
        bundles, done = account.bundles(), 0
        while batch := list(islice(bundles, _BATCH)):
            landing.write_bundles(batch)
            done += len(batch)
            if told is not None:
                told(done)
        landing.finish()


class _Landing:
    """Turns bundles into rows; remembers who is in which audience and who was merged away."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, account: Account) -> None:
        self._connection = connection
        self._account = account
        self._now = datetime.fromtimestamp(account.spec.until, UTC)
        self._names = {each["id"]: each["name"] for each in account.audiences}
        self._products = [each.view for each in account.products]
        self._members: dict[str, list[str]] = defaultdict(list)
        self._recent: deque[Persona] = deque(maxlen=_REMEMBERED)

    def make_tables(self) -> None:
        connection = self._connection
        connection.execute(f"create schema if not exists {SCHEMA_NAME}")
        for name in TABLES:
            connection.execute(
                f"create table {SCHEMA_NAME}.{name} (record_key varchar, payload json, "
                "content_hash varchar, request varchar, fetched_at timestamp with time zone, "
                "_dlt_load_id varchar, _dlt_id varchar)"
            )
        connection.execute(
            f"create table {SCHEMA_NAME}._dlt_loads as select '{_LOAD}' as load_id, "
            "'alpine_iq' as schema_name, 0::bigint as status, now() as inserted_at, "
            "''::varchar as schema_version_hash"
        )

    def write_documents(self) -> None:
        account = self._account
        documents: tuple[tuple[str, Iterable[dict[str, Any]]], ...] = (
            ("stores", (each.view for each in account.stores)),
            ("audiences", account.audiences),
            ("discounts", account.discounts),
            ("discount_groups", account.groups),
            ("campaigns", account.campaigns),
        )
        for table, found in documents:
            self._insert(table, [(str(each["id"]), _encode(each)) for each in found])
        self._insert("loyalty_program", [(account.spec.uid, _encode(account.program))])

    def write_bundles(self, batch: list[Bundle]) -> None:
        rows: dict[str, list[_Row]] = defaultdict(list)
        for bundle in batch:
            self._add(bundle, rows)
        for table, found in rows.items():
            self._insert(table, found)

    def finish(self) -> None:
        rows = [
            (audience, _encode({"audienceID": audience, "members": self._members[audience]}))
            for audience in self._names
        ]
        self._insert("audience_members", rows)
        times = {"started_at": self._now.isoformat(), "finished_at": self._now.isoformat()}
        self._insert("extraction_runs", [("generated", _encode(times))])

    def _add(self, bundle: Bundle, rows: dict[str, list[_Row]]) -> None:
        persona, key = bundle.persona, bundle.persona.contact_id
        if persona.hidden == "anonymous":
            return
        for audience in persona.audiences:
            self._members[audience].append(key)
        for number, (kind, _, event) in enumerate(bundle.events):
            if kind in _EVENTS:
                rows[_EVENTS[kind]].append((f"{key}:{number}", _encode(event)))
        if persona.hidden is not None:
            self._add_hidden(persona, rows)
            return
        self._recent.append(persona)
        doc = persona.doc
        listed = {name: doc[name] for name in views.LIST_MEMBERS}
        lines = [
            views.full_line(
                order.ts, order.packed, line, views.product_of(self._products, line), doc
            )
            for order in reversed(bundle.orders)
            for line in order.packed[11]
        ]
        rows["contacts"].append((key, _encode(listed)))
        rows["contact_details"].append((key, _encode(self._detail(persona))))
        rows["contact_orders"].append((key, _encode({"contactID": key, "lines": lines})))

    def _add_hidden(self, persona: Persona, rows: dict[str, list[_Row]]) -> None:
        """What the look-up by id answers; a contact without any trace is never found."""
        if not persona.audiences:
            return
        shown: Persona | None = persona
        found = "visible"
        if persona.hidden == "merged":
            shown = next((p for p in self._recent if p.number == persona.merged_into), None)
            found = "merged"
        elif persona.hidden == "deleted":
            shown = None
        detail = None if shown is None else self._detail(shown)
        answer = {
            "contactID": persona.contact_id,
            "found": found if detail else "gone",
            "traces": ["audience_members"],
            "detail": detail,
        }
        rows["hidden_contacts"].append((persona.contact_id, _encode(answer)))

    def _detail(self, persona: Persona) -> dict[str, Any]:
        return views.detailed(
            {**persona.doc, "audienceIDs": persona.audiences},
            extra=True,
            audience_names=self._names,
            now=self._account.spec.until,
        )

    def _insert(self, table: str, rows: list[_Row]) -> None:
        if not rows:
            return
        count = len(rows)
        hashes = [hashlib.blake2b(payload, digest_size=16).hexdigest() for _, payload in rows]
        batch = pa.Table.from_arrays(
            [
                pa.array([key for key, _ in rows], pa.string()),
                pa.array([payload for _, payload in rows], pa.string()),
                pa.array(hashes, pa.string()),
                pa.array(["generated"] * count, pa.string()),
                pa.array([self._now] * count, _ROWS.field("fetched_at").type),
                pa.array([_LOAD] * count, pa.string()),
                pa.array(hashes, pa.string()),
            ],
            schema=_ROWS,
        )
        self._connection.register("batch", batch)
        self._connection.execute(f"insert into {SCHEMA_NAME}.{table} select * from batch")
        self._connection.unregister("batch")
