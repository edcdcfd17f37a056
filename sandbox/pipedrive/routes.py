"""Which function answers which documented endpoint; the rest is not emulated (501)."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import (
    deal_products,
    deals,
    fields,
    notes,
    organizations,
    persons,
    pipelines,
    products,
    users,
)
from sandbox.pipedrive.currencies import list_currencies
from sandbox.pipedrive.records import Handler

ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **persons.ROUTES,
    **organizations.ROUTES,
    **products.ROUTES,
    **deals.ROUTES,
    **deal_products.ROUTES,
    **pipelines.ROUTES,
    **fields.ROUTES,
    **notes.ROUTES,
    **users.ROUTES,
    ("GET", "/api/v1/currencies"): list_currencies,
}
