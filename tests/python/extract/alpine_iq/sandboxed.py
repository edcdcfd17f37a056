"""A simulated Alpine IQ for tests: its side door, its log, and an extraction from it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from extract.alpine_iq import AlpineIQAccount, extract_account
from extract.alpine_iq.calls import CallPlan
from extract.alpine_iq.contacts import Paging
from extract.alpine_iq.run import ExtractionResult
from load.progress import Silent

SCALE = 100.0
TABLES = (
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
    "hidden_contacts",
    "optins",
)
ON_DEMAND = ("points_timelines", "overrides")
# everything that can be asked for about one contact
BOTH = {"timelines": True, "overrides": True}


@dataclass(frozen=True, slots=True)
class Simulated:
    base_url: str
    uid: str
    api_key: str

    @property
    def account(self) -> AlpineIQAccount:
        return AlpineIQAccount(self.base_url, self.uid, self.api_key, window_scale=SCALE)

    def get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.base_url}/_sandbox/{what}") as response:  # noqa: S310
            return json.loads(response.read())

    def post(self, what: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}/_sandbox/{what}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.loads(response.read())

    def ask(self, path: str) -> Any:
        """What the API itself answers."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.base_url}{path}", headers={"X-APIKEY": self.api_key}
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.loads(response.read())["data"]

    def log(self) -> list[dict[str, Any]]:
        """Every call so far, oldest first."""
        rows: list[dict[str, Any]] = []
        while page := self.get(f"log?after={rows[-1]['id'] if rows else 0}"):
            rows.extend(page)
        return rows

    def extract(self, data_dir: Path, **options: Any) -> ExtractionResult:
        paging = options.pop("paging", None)
        return extract_account(
            self.account,
            data_dir,
            progress=Silent(),
            paging=Paging(*paging) if paging else None,
            **options,
        )


@dataclass(frozen=True, slots=True)
class LandedWithBoth:
    """A data folder, and what the extraction into it said and did."""

    folder: Path
    result: ExtractionResult
    plan: CallPlan
    log: list[dict[str, Any]]


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def keys(data_dir: Path, table: str) -> set[str]:
    return {key for (key,) in rows(data_dir, f"select record_key from raw_alpine_iq.{table}")}


def content(data_dir: Path, tables: Iterable[str] = TABLES) -> dict[str, list[tuple[str, str]]]:
    """Keys and hashes by table: all but load times and members that move by themselves."""
    return {
        table: rows(
            data_dir,
            f"select record_key, content_hash from raw_alpine_iq.{table} order by record_key",
        )
        for table in tables
    }
