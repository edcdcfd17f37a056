"""Which function answers which documented endpoint; the rest is not emulated (501)."""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import (
    activities,
    changelog,
    comments,
    deal_products,
    deals,
    discounts,
    fields,
    fields_v1,
    files,
    followers,
    merge,
    notes,
    organizations,
    persons,
    pipelines,
    products,
    search,
    users,
    webhooks,
)
from sandbox.pipedrive.currencies import list_currencies
from sandbox.pipedrive.records import Handler

ROUTES: Final[dict[tuple[str, str], Handler]] = {
    **persons.ROUTES,
    **organizations.ROUTES,
    **products.ROUTES,
    **deals.ROUTES,
    **deal_products.ROUTES,
    **discounts.ROUTES,
    **pipelines.ROUTES,
    **fields.ROUTES,
    **notes.ROUTES,
    **comments.ROUTES,
    **users.ROUTES,
    **activities.ROUTES,
    **files.ROUTES,
    **webhooks.ROUTES,
    **followers.ROUTES,
    **merge.ROUTES,
    **changelog.ROUTES,
    **fields_v1.ROUTES,
    **search.ROUTES,
    ("GET", "/api/v1/currencies"): list_currencies,
}
