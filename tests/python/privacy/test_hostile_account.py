"""An account in which every free text is an attack: it is built, and crosses as text only."""

from __future__ import annotations

import json

import duckdb
import pytest

from load.progress import Silent
from migrate import settings, steps
from tests.python.privacy.test_hostile_data import faults

PERCENT = "utm_source=%E2%80%AEabc%07%3Cimg%20src%3Dx%3E&utm_campaign=%3Cscript%3E"
HOSTILE = (
    "=HYPERLINK(1) <img src=x onerror=alert(1)> \u202eabc\u2066\u0007"
    " {{ 7*7 }} '; drop table x; -- "
)
TABLES = (
    "contacts",
    "contact_details",
    "contact_orders",
    "stores",
    "audiences",
    "discounts",
    "discount_groups",
    "adjustments",
    "redemptions",
    "campaigns",
    "conversions",
    "hidden_contacts",
)
FREE = frozenset(
    {
        *("address", "attr", "brand", "campaign", "category", "channel", "city", "description"),
        *("discountName", "employee", "favoriteStore", "firstName", "key", "lastName", "name"),
        *("nickname", "note", "paymentType", "posType", "referCode", "size", "source", "species"),
        *("store", "storeName", "strain", "street", "subcategory", "tier", "title"),
        "value",
    }
)


def spoiled(value, name=""):
    """The same payload; every free text begins with an attack, every attribution is one."""
    if isinstance(value, dict):
        return {key: spoiled(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner, name) for inner in value]
    if not isinstance(value, str) or not value or name not in FREE:
        return value
    return f"{PERCENT}&x={value}" if name == "attr" else HOSTILE + value


@pytest.mark.long
def test_an_account_of_attacks_is_built_and_crosses_as_text(migrated, copy_of, monkeypatch):
    where = copy_of()
    with duckdb.connect(str(where.warehouse)) as connection:
        for table in TABLES:
            for row, payload in connection.execute(
                f"select rowid, payload::varchar from raw_alpine_iq.{table}"
            ).fetchall():
                connection.execute(
                    f"update raw_alpine_iq.{table} set payload = ? where rowid = ?",
                    [json.dumps(spoiled(json.loads(payload))), row],
                )
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(where.data))
    own = settings.read(migrated.sandbox.environment())
    assert steps.build_models(own, Silent()).exit_code == 0
    assert faults(where.warehouse) == []
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        notes = connection.execute("select content from marts.mart_notes").fetchall()
        people = connection.execute("select count(*) from marts.mart_persons").fetchone()
    assert notes
    assert all(text.replace("<p>", "").replace("</p>", "").count("<") == 2 for (text,) in notes)
    assert people[0] > 20
