"""What a migration of an account of some size costs: calls, tokens, days, hours to extract.

`size` says how many records there are (given, or counted in the marts), `spending` turns them into
tokens by the loader's own cost table and the plan's own limits, `outcome` says it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from load.budget import FACTORS
from load.errors import ConfigError
from migrate.estimate.outcome import as_outcome
from migrate.estimate.size import Size, counted
from migrate.outcome import Outcome

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

__all__ = ["Size", "counted", "estimate", "with_plan"]


def estimate(
    settings: Settings, _progress: Progress, *, size: Size | None, seat_price: float | None
) -> Outcome:
    """The estimate of a given size, or of what the marts of this data folder hold."""
    return as_outcome(
        size or counted(settings.places.warehouse), settings, seat_price=seat_price, now=time.time()
    )


def with_plan(settings: Settings, plan: str | None, seats: int | None) -> Settings:
    """The same settings for another plan or number of seats; an unknown plan is refused."""
    if plan is not None and plan not in FACTORS:
        raise ConfigError(f"--plan {plan}: no such plan; there are {', '.join(FACTORS)}")
    changed = {"pipedrive_plan": plan, "pipedrive_seats": seats}
    return settings.model_copy(update={k: v for k, v in changed.items() if v is not None})
