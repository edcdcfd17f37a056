"""The files that the dashboard and the service's support hand out for the same account.

| file | holds |
|---|---|
| `{uid}-{audience}-{epoch}-rp.csv` | listed contacts, a column per custom attribute |
| `{uid}-{audience}-{from}-{to}-sl.csv` | every sales line, those of unknown customers too |
| `{uid}-{audience}-{epoch}-bl.csv` | contacts that the list leaves out, with the reason |

Times are text, `YYYY-MM-DD HH:MM:SS UTC`. Written row by row, so memory stays flat. Files are 0600.
Raises `OSError`.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from sandbox.alpine_iq.store import Store
from sandbox.alpine_iq.views import product_of

EVERYBODY: Final = "all"
_PERSONA: Final = (
    "contact_id",
    "src_ids",
    "first_name",
    "last_name",
    "email",
    "mobile_phone",
    "home_phone",
    "loyalty",
    "loyalty_signup_time",
    "loyalty_points",
    "favorite_store",
    "count_of_sales",
    "total_spent_as_member",
    "seed_source",
)
_HIDDEN: Final = (
    *_PERSONA,
    "birthdate",
    "gender",
    "med_id",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "sms_opt_in_time",
    "sms_opt_out_time",
    "email_opt_in_time",
    "email_opt_out_time",
    "inserted_time",
    "hidden_reason",
    "merged_into",
)
_LINE: Final = (
    "transaction_id",
    "time_of_sale",
    "pos_customer_id",
    "store_id",
    "product_name",
    "brand",
    "quantity",
    "cost",
    "price",
    "discount",
    "parent_category",
    "category",
    "sku",
    "customer_aiq_contact_id",
    "employee",
)
_COST_SHARE: Final = 0.5


def write(store: Store, folder: Path, *, now: float) -> list[Path]:
    """Writes the three files and names them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    uid = store.meta("account")["uid"]
    first, last = store.rows("select coalesce(min(ts), 0), coalesce(max(ts), 0) from orders")[0]
    stem = f"{uid}-{EVERYBODY}"
    keys = _attribute_keys(store)
    return [
        _file(folder / f"{stem}-{int(now)}-rp.csv", (*_PERSONA, *keys), _personas(store, keys)),
        _file(folder / f"{stem}-{first}-{last}-sl.csv", _LINE, _lines(store)),
        _file(folder / f"{stem}-{int(now)}-bl.csv", _HIDDEN, _hidden(store)),
    ]


def _file(path: Path, columns: Iterable[str], rows: Iterable[list[Any]]) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - from a descriptor
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def _documents(store: Store, condition: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    found = store.execute(
        "select doc, contacts.hidden, survivor.contact_id"
        " from contacts join contact_docs using (seq)"
        " left join contacts as survivor on survivor.seq = contacts.merged_into"
        f" where contacts.hidden {condition} order by contacts.seq"
    )
    for doc, hidden, survivor in found:
        yield msgspec.json.decode(doc), hidden, survivor


def _attribute_keys(store: Store) -> tuple[str, ...]:
    found = store.rows(
        "select distinct json_extract(attribute.value, '$.key')"
        " from contacts join contact_docs using (seq),"
        " json_each(cast(doc as text), '$.customAttributes') as attribute"
        " where hidden is null and json_type(cast(doc as text), '$.customAttributes') = 'array'"
        " order by 1"
    )
    return tuple(row[0] for row in found if row[0] and row[0] not in _PERSONA)


def _personas(store: Store, keys: tuple[str, ...]) -> Iterator[list[Any]]:
    for doc, _, _ in _documents(store, "is null"):
        attributes = {each["key"]: each["value"] for each in doc["customAttributes"] or ()}
        yield [*_persona(doc), *(attributes.get(key, "") for key in keys)]


def _persona(doc: dict[str, Any]) -> list[Any]:
    sources = "| ".join(
        ":::".join(filter(None, (each["source"], each["id"], each.get("store"))))
        for each in doc["srcIDs"] or ()
    )
    return [
        doc["contactID"],
        sources,
        doc["firstName"],
        doc["lastName"],
        doc["email"],
        doc["mobilePhone"],
        doc["homePhone"],
        "true" if doc["loyalty"] else "false",
        _time(doc["loyaltySignupTS"]),
        doc["loyaltyPoints"],
        doc["favoriteStore"],
        doc["countOfSales"],
        doc["spent"],
        doc["platform"],
    ]


def _hidden(store: Store) -> Iterator[list[Any]]:
    for doc, reason, survivor in _documents(
        store, "in ('blocklisted', 'archived', 'internal_archive', 'merged')"
    ):
        yield [
            *_persona(doc),
            *(doc[name] for name in ("birthdate", "gender", "medID", "address", "city")),
            *(doc[name] for name in ("state", "zip", "country")),
            *(_time(doc[name]) for name in ("optinTime", "optoutTime")),
            *(_time(doc[name]) for name in ("emailOptInTime", "emailOptOutTime", "inserted")),
            reason,
            survivor,
        ]


def _lines(store: Store) -> Iterator[list[Any]]:
    products = [msgspec.json.decode(each) for each in store.documents("product")]
    found = store.execute(
        "select ts, packed, contact_id, json_extract(cast(doc as text), '$.srcIDs[0]')"
        " from orders join contacts using (seq) join contact_docs using (seq)"
        " order by seq, ordinal"
    )
    for ts, encoded, contact_id, source in found:
        packed = msgspec.json.decode(encoded)
        given = msgspec.json.decode(source) if source else {}
        customer = ":::".join(filter(None, (given.get("id"), given.get("store"))))
        for line in packed[11]:
            product = product_of(products, line)
            yield [
                packed[0],
                _time(ts),
                customer,
                packed[2],
                product["name"],
                product["brand"],
                line[1],
                round(line[2] * _COST_SHARE, 2),
                line[2],
                line[3],
                product["category"],
                product["subcategory"],
                product["sku"],
                contact_id,
                packed[7],
            ]


def _time(seconds: int | None) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
