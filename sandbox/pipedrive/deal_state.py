"""What a deal's status and archive flag bring with them: times, days, reasons.

Both functions complete the body of a write in place and add what is wrong with it to `problems`.
"""

from __future__ import annotations

from typing import Final

from sandbox.pipedrive import rules
from sandbox.pipedrive.call import Call
from sandbox.pipedrive.shape import is_spaced_time
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v1_time, v2_time

CLOSED_BY: Final = {"won": "won_time", "lost": "lost_time"}


def settle_status(call: Call, body: Doc, row: Row | None, problems: rules.Problems) -> None:
    old = row.doc["status"] if row is not None else "open"
    status = body.get("status", old)
    if status not in ("open", "won", "lost"):
        problems.append("status: The value is not one of the allowed values: lost, open, won")
        return
    for key in ("won_time", "lost_time", "close_time"):
        rules.instant(body, key, problems)
    needed = {"won_time": ("won",), "lost_time": ("lost",), "close_time": ("won", "lost")}
    problems += [
        f"{key}: The value can only be set for a deal with status {' or '.join(allowed)}"
        for key, allowed in needed.items()
        if body.get(key) is not None and status not in allowed
    ]
    if body.get("lost_reason") is not None and status != "lost":
        problems.append("lost_reason: The value can only be set for a lost deal")
    if problems:
        return
    if status == "open" and old != "open":
        body.update(dict.fromkeys(("won_time", "lost_time", "close_time")))
    elif status != "open":
        _close(call, body, row, status, changed=status != old)
    for key in ("won", "lost", "close"):
        if f"{key}_time" in body:
            moment = body[f"{key}_time"]
            body[f"local_{key}_date"] = None if moment is None else moment[:10]


def _close(call: Call, body: Doc, row: Row | None, status: str, *, changed: bool) -> None:
    own, other = CLOSED_BY[status], CLOSED_BY["lost" if status == "won" else "won"]
    given = [key for key in (own, "close_time") if body.get(key) is not None]
    if not given and not changed:
        return
    moment = body[given[0]] if given else v2_time(call.now)
    for key in (own, "close_time"):
        body.setdefault(key, moment)
    if changed:
        body[other] = None
    if given:
        body["_set"] = ["close_time", own]
    elif row is not None:
        body["_set"] = []


def settle_archive(call: Call, body: Doc, row: Row | None, problems: rules.Problems) -> None:
    moment = body.get("archive_time")
    if moment is not None and not is_spaced_time(moment):
        problems.append("archive_time: The value is not a valid datetime")
    was_archived = row is not None and row.archived
    if body.get("is_archived") and not was_archived:
        body["archive_time"] = moment or v1_time(call.now)
    elif body.get("is_archived") is False:
        body["archive_time"] = None
    elif "archive_time" in body and not was_archived:
        problems.append("archive_time: The value can only be set for an archived deal")
