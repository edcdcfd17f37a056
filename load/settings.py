"""Where the destination is, how it is limited, and how long doubt lasts.

Seconds are real seconds. `window_scale` divides the burst windows only (rehearsals on a sandbox
whose windows are scaled by the same factor); budgets, caps and the clock stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time


@dataclass(frozen=True, slots=True)
class PipedriveAccount:
    """One Pipedrive company and one token of it.

    Plan and seats can't be read from the API (checked: no endpoint has them), so they are given.
    `settle_seconds` is the longest time that the server may need to apply a call whose answer was
    lost; `list_lag_seconds` how far lists may lag behind; `quiet_seconds` how long the closing
    sweep waits for what exceeded the bound. `budget_resets_at` is the moment (UTC) at which
    the day's tokens are given anew. All four are assumptions until probed. A load stops when others
    changed more than `foreign_changes_most` of the records just written; 1 switches that off.
    """

    base_url: str
    api_token: str = field(repr=False)
    plan: str
    seats: int
    budget_share: float = 0.8
    company_id: int | None = None
    company_domain: str | None = None
    window_scale: float = 1.0
    settle_seconds: float = 60.0
    list_lag_seconds: float = 10.0
    quiet_seconds: float = 7200.0
    read_timeout: float = 30.0
    foreign_changes_most: float = 0.005
    budget_resets_at: time = time(0, 0)
