"""What each finished step left behind: one small JSON file per step, for `status` and the report.

Holds counts and times, never a value of a record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from migrate.outcome import Outcome
from migrate.places import Places

STEPS: Final = ("extract", "build", "plan", "apply", "sweep", "verify", "report")


@dataclass(frozen=True, slots=True)
class Step:
    """The last ending of one step."""

    name: str
    ended_at: str
    seconds: float
    exit_code: int
    headline: str
    facts: dict[str, Any]


def record(places: Places, outcome: Outcome, *, seconds: float) -> Outcome:
    """Write the step's file and hand the outcome through."""
    places.steps.mkdir(mode=0o700, exist_ok=True)
    content = {
        "name": outcome.command,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "exit_code": outcome.exit_code,
        "headline": outcome.headline,
        "facts": outcome.facts,
    }
    file = places.steps / f"{outcome.command}.json"
    half = file.with_suffix(".tmp")
    half.write_text(json.dumps(content, indent=2, default=str), encoding="utf-8")
    half.chmod(0o600)
    half.replace(file)
    return outcome


def steps(places: Places) -> list[Step]:
    """The steps that ended so far, in the order of a migration."""
    found = []
    for name in STEPS:
        file = places.steps / f"{name}.json"
        if file.is_file():
            found.append(Step(**json.loads(file.read_text(encoding="utf-8"))))
    return found
