"""What a migration of an account of some size costs: calls, tokens, days, hours to extract.

`size` says how many records there are (given, or counted in the marts), `spending` turns them into
tokens by the loader's own cost table and the plan's own limits, `outcome` says it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from migrate.estimate.outcome import as_outcome
from migrate.estimate.size import Size, counted
from migrate.outcome import Outcome

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

__all__ = ["Size", "counted", "estimate"]


def estimate(
    settings: Settings, _progress: Progress, *, size: Size | None, seat_price: float | None
) -> Outcome:
    """The estimate of a given size, or of what the marts of this data folder hold."""
    return as_outcome(
        size or counted(settings.places.warehouse), settings, seat_price=seat_price, now=time.time()
    )
