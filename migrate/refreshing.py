"""What both accounts say by now, in a new plan: asked before a load goes on on another day.

A load goes on for days. Who opts out meanwhile must not be written as they were, and who was
typed in meanwhile must be adopted, not doubled. So the lists of the source are read again (a call
for some 2,000 contacts; no call for a single contact), the models built, Pipedrive read back and a
plan frozen, which supersedes the older one for all that is not sent yet. In it opt-outs go first.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Final

from load.preflight import Gate, has_something_to_send
from migrate import steps
from migrate.outcome import DONE, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from migrate.settings import Settings

FRESH: Final = "source_fresh"
LONGEST: Final = dt.timedelta(hours=24)


def refresh(settings: Settings, progress: Progress) -> Outcome | None:
    """A new plan, or the outcome of the step that did not come to its end."""
    chain: tuple[Callable[[Settings, Progress], Outcome], ...] = (
        partial(steps.extract_source, per_contact=False, delta=True),
        steps.build_models,
        partial(steps.make_plan, read_back=True),
    )
    for step in chain:
        outcome = step(settings, progress)
        if outcome.exit_code != DONE:
            return outcome
    return None


def source_fresh(plan: FrozenPlan, ledger: Ledger, now: dt.datetime) -> Gate:
    """Is what the plan wants to write no older than a day? Asked only while it writes something."""
    read_at = plan.manifest.get("source_read_at") or plan.manifest["created_at"]
    at = dt.datetime.fromisoformat(str(read_at))
    if now - at <= LONGEST:
        return Gate(FRESH, "green", f"the source was read at {at:%Y-%m-%d %H:%M} UTC")
    if not has_something_to_send(plan, ledger):
        return Gate(FRESH, "green", "the plan is done")
    return Gate(
        FRESH,
        "red",
        f"the source was read at {at:%Y-%m-%d %H:%M} UTC, over a day ago: who opted out since is"
        " not in the plan; aiq2pd apply --refresh reads the lists, plans again and sends opt-outs"
        " first",
    )
