"""Who is to be forgotten: every text that stands for one person in what this project keeps.

A person is all contacts that were merged into them, their orders, lines, notes and files, and the
addresses that nobody else has: a phone that a family shares stays with those who remain.
Raises `ConfigError` when nobody, or more than one person, fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from load.errors import ConfigError
from load.forget.needles import Needles

CONTACT: Final = "aiq:contact:"
ORDERS: Final = "select source_key from marts.mart_deals where person__source_key = ?"
LINES: Final = "select source_key from marts.mart_deal_products where deal__source_key = any(?)"
NOTES: Final = "select source_key from marts.mart_notes where deal__source_key = any(?)"
PLANNED_CHILDREN: Final = (
    "select distinct source_key from read_parquet(?, union_by_name = true)"
    " where list_has_any(parents, ?)"
)
DETAILS: Final = """
select payload ->> 'email', payload ->> 'mobilePhone', payload ->> 'homePhone', payload ->> 'medID'
from raw_alpine_iq.{table} where record_key = any(?)
"""
HOLDERS: Final = """
select count(*) from raw_alpine_iq.{table}
where not record_key = any(?) and regexp_matches(payload::varchar, ?)
"""
_SHORTEST: Final = 6
_PHONE_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """One person. `contact_ids` are the source's, `source_keys` ours, `addresses` their own."""

    contact_ids: tuple[str, ...]
    source_keys: tuple[str, ...]
    addresses: tuple[str, ...]

    def ids(self) -> Needles:
        """What can stand in a row of nobody else."""
        return Needles.of((*self.contact_ids, *self.source_keys))

    def all(self) -> Needles:
        """Ids and the addresses that nobody else has."""
        return Needles.of((*self.contact_ids, *self.source_keys, *self.addresses))


def contact_id_of(source_key: str) -> str:
    """The source's id in a person's source key."""
    found = source_key.removeprefix(CONTACT)
    if found == source_key or not re.fullmatch(r"[0-9A-Za-z_-]{4,64}", found):
        raise ConfigError(
            "give a person: a source key (aiq:contact:...), a link to a person in Pipedrive, or an "
            "e-mail address"
        )
    return found


def find(connection: duckdb.DuckDBPyConnection, source_key: str, plans_dir: Path) -> Subject:
    """The person whom a source key names, and everything of theirs."""
    contact_id = contact_id_of(source_key)
    person = _first(
        connection,
        "select person_source_key from intermediate.int_contacts_matched where contact_id = ?",
        [contact_id],
        default=source_key,
    )
    merged = _column(
        connection,
        "select contact_id from intermediate.int_contacts_matched where person_source_key = ?",
        [person],
    )
    contacts = sorted({contact_id, contact_id_of(person), *merged})
    keys = {person, *(CONTACT + each for each in contacts)}
    orders = set(_column(connection, ORDERS, [person]))
    orders |= _planned(connection, plans_dir, "plan_deals", keys)
    children = set(_column(connection, LINES, [sorted(orders)]))
    children |= set(_column(connection, NOTES, [sorted(orders)]))
    for table in ("plan_deal_products", "plan_notes", "plan_activities", "plan_files"):
        children |= _planned(connection, plans_dir, table, {*keys, *orders})
    return Subject(
        tuple(contacts),
        tuple(sorted(keys | orders | children)),
        tuple(_addresses_of_nobody_else(connection, contacts)),
    )


def _planned(
    connection: duckdb.DuckDBPyConnection, plans_dir: Path, table: str, parents: set[str]
) -> set[str]:
    """Records that any frozen plan hangs on these; the warehouse may have moved on since."""
    files = sorted(str(file) for file in plans_dir.glob(f"[!.]*/{table}.parquet"))
    return set(_column(connection, PLANNED_CHILDREN, [files, sorted(parents)])) if files else set()


def _addresses_of_nobody_else(
    connection: duckdb.DuckDBPyConnection, contacts: Sequence[str]
) -> Iterable[str]:
    values = {
        str(value).strip()
        for table in ("contacts", "contact_details", "export_personas")
        for row in _rows(connection, DETAILS.format(table=table), [list(contacts)])
        for value in row
        if value
    }
    for value in sorted(values):
        spellings = _spellings(value)
        if spellings and not _is_held_by_others(connection, contacts, spellings):
            yield from spellings


def _is_held_by_others(
    connection: duckdb.DuckDBPyConnection, contacts: Sequence[str], spellings: Sequence[str]
) -> bool:
    pattern = Needles.of(spellings).pattern()
    return any(
        _first(connection, HOLDERS.format(table=table), [list(contacts), pattern], default=0)
        for table in ("contacts", "contact_details")
    )


def _spellings(value: str) -> list[str]:
    """An address as it came and, if it is a phone, as its digits; nothing for what is too short."""
    digits = re.sub(r"\D", "", value)
    found = [value] if len(value) >= _SHORTEST else []
    if len(digits) >= _PHONE_DIGITS and "@" not in value:
        national = digits[-_PHONE_DIGITS:]
        found += [national, f"1{national}"]
    return found


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Rows of a query; none where its table is not there (yet)."""
    try:
        return connection.execute(sql, values).fetchall()
    except duckdb.CatalogException:
        return []


def _column(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any]) -> list[str]:
    return [str(row[0]) for row in _rows(connection, sql, values)]


def _first(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any], *, default: Any
) -> Any:
    rows = _rows(connection, sql, values)
    return rows[0][0] if rows and rows[0][0] is not None else default
