"""Whether the account has the types of the activities to be made: it refuses each of another type.

One list of 20 tokens, asked only if the plan makes an activity.
"""

from __future__ import annotations

from typing import Final

from load.run import Run

_BATCH: Final = 480


async def missing_types(run: Run) -> str:
    """What is wrong and what to do; empty if every type is there."""
    wanted = {
        str(row.payload["type"])
        for rows in run.plan.rows("activity", _BATCH)
        for row in rows
        if row.action == "create"
    }
    if not wanted:
        return ""
    answer = await run.client.call("GET", "/api/v1/activityTypes", cost=20, entity="activity")
    known = {one["key_string"] for one in answer.data or [] if one.get("active_flag", True)}
    if not (missing := sorted(wanted - known)):
        return ""
    return (
        f"the account has no activity type {', '.join(missing)}; make it in Pipedrive, or plan"
        f" with one of its own: {', '.join(sorted(known))}"
    )
