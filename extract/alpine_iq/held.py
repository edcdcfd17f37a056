"""What the warehouse holds already: rows that were committed, this run's and earlier ones.

Rows of a load package that was not finished don't count. `since` is the start of the run, UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from extract.alpine_iq.guards import Census
from extract.alpine_iq.landing import ALPINE_IQ
from extract.landing import Warehouse

TABLES: Final = (
    "stores",
    "contacts",
    "contact_details",
    "contact_orders",
    "audiences",
    "audience_members",
    "loyalty_program",
    "discounts",
    "discount_groups",
    "campaigns",
    "adjustments",
    "redemptions",
    "conversions",
    "points_timelines",
    "overrides",
    "optins",
    "hidden_contacts",
    "export_personas",
    "export_sales_lines",
    "export_hidden_contacts",
    "export_files",
    "loyalty_snapshot",
)


def orders_done(warehouse: Warehouse, since: datetime) -> set[str]:
    """Contacts whose orders this run has asked for and committed."""
    return _read_since(warehouse, "contact_orders", since)


def details_done(warehouse: Warehouse, since: datetime) -> set[str]:
    """Contacts whose detail this run has committed; what answered nothing leaves no row."""
    return _read_since(warehouse, "contact_details", since)


def answered_in(warehouse: Warehouse, table: str, since: datetime) -> set[str]:
    """Contacts about whom this run has committed what an endpoint on demand says."""
    return _read_since(warehouse, table, since)


def answered_before(warehouse: Warehouse, table: str, since: datetime) -> set[str]:
    """Contacts about whom only earlier runs have."""
    return _read(warehouse, table, "landed.fetched_at < ?", since)


def ids_on_order_lines(warehouse: Warehouse) -> list[str]:
    """Contact ids that order lines name."""
    rows = warehouse.rows(
        "SELECT DISTINCT line ->> 'contactID' FROM (SELECT unnest(from_json(payload -> 'lines', "
        f"'[\"JSON\"]')) AS line FROM {ALPINE_IQ.name}.contact_orders) "
        "WHERE line ->> 'contactID' IS NOT NULL"
    )
    return [key for (key,) in rows]


def ids_in_histories(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Contact ids that the account-wide histories name, each with the history's table."""
    named = {"adjustments": "cntID", "redemptions": "contactID", "conversions": "contactID"}
    return [
        (key, table)
        for table, member in named.items()
        for (key,) in warehouse.rows(
            f"SELECT DISTINCT payload ->> '{member}' FROM {ALPINE_IQ.name}.{table} "
            f"WHERE payload ->> '{member}' IS NOT NULL"
        )
    ]


def answered_as_another(warehouse: Warehouse, since: datetime) -> list[str]:
    """Contacts asked for in this run whose detail is somebody else's."""
    rows = warehouse.rows(
        f"SELECT record_key FROM {ALPINE_IQ.name}.contact_details "
        "WHERE fetched_at >= ? AND (payload ->> 'contactID') <> record_key",
        [since],
    )
    return [key for (key,) in rows]


def earlier_ids(warehouse: Warehouse) -> set[str]:
    """Every contact id that any extraction into this warehouse has seen."""
    tables = ("contacts", "contact_details", "hidden_contacts")
    found = {
        key
        for table in tables
        for (key,) in warehouse.rows(f"SELECT record_key FROM {ALPINE_IQ.name}.{table}")
    }
    return {key for key in found if not key.startswith("without-key:")}


def last_census(warehouse: Warehouse) -> Census | None:
    """What the last complete run counted."""
    rows = warehouse.rows(
        "SELECT payload ->> 'uid', CAST(payload -> 'contacts' AS BIGINT), "
        f"CAST(payload -> 'contacts_with_points' AS BIGINT) FROM {ALPINE_IQ.name}.extraction_runs "
        "WHERE payload ->> 'state' = 'closed' ORDER BY payload ->> 'finished_at' DESC LIMIT 1"
    )
    return Census(*rows[0]) if rows else None


def counts(warehouse: Warehouse) -> dict[str, int]:
    """Rows by raw table."""
    names = warehouse.rows(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [ALPINE_IQ.name]
    )
    there = [table for table in TABLES if (table,) in names]
    found = dict.fromkeys(TABLES, 0)
    if there:
        each = (f"SELECT '{table}', count(*) FROM {ALPINE_IQ.name}.{table}" for table in there)
        found.update(warehouse.rows(" UNION ALL ".join(each)))
    return found


def _read_since(warehouse: Warehouse, table: str, since: datetime) -> set[str]:
    return _read(warehouse, table, "landed.fetched_at >= ?", since)


def _read(warehouse: Warehouse, table: str, when: str, since: datetime) -> set[str]:
    rows = warehouse.rows(
        f"SELECT record_key FROM {ALPINE_IQ.name}.{table} AS landed "
        f"JOIN {ALPINE_IQ.name}._dlt_loads AS loads ON landed._dlt_load_id = loads.load_id "
        f"WHERE loads.status = 0 AND {when}",
        [since],
    )
    return {key for (key,) in rows}
