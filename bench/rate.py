"""The rate that a load holds under each plan's ceiling: `python -m bench.rate`.

Two minutes at real windows. The four plans run beside each other, each with a server of its own.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.loading import load_apart
from bench.planned import Served, a_company, make_plan
from bench.rows import Row, main
from load.limits import CEILINGS, WINDOW_SECONDS

_MINUTE: Final = 60.0
_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """Requests a second of the second minute, and how many were refused in all."""

    plan: str
    rate: float
    refused: int


def measure(_size: int) -> Iterator[Row]:
    """A load of persons over HTTP on the local Pipedrive, long enough for two minutes at the
    plan's rate, with real windows of 2 seconds. Requests that the service logged from the 60th to
    the 120th second of the load, against the plan's ceiling; 429s of the whole run. All four plans
    at once, in processes of their own; preflight comes before the first second."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(len(CEILINGS)) as pool:
        found = list(pool.map(lambda plan: _held(Path(name) / plan, plan), CEILINGS))
    for held in found:
        ceiling = CEILINGS[held.plan] / WINDOW_SECONDS
        yield Row(
            f"requests held, {held.plan}",
            held.rate,
            "a second",
            "ceiling",
            ceiling,
            "at least 0.95",
        )
        yield Row(f"answers 429, {held.plan}", held.refused, "answers", aim="0")


def _held(folder: Path, plan: str) -> Held:
    persons = math.ceil(CEILINGS[plan] / WINDOW_SECONDS * (2 * _MINUTE + 5))
    frozen = make_plan(folder, persons=persons, orders=False)
    with a_company(folder / "company", plan=plan, window_scale=1.0) as company:
        load_apart(company, frozen, folder)
        return _from_log(company)


def _from_log(company: Served) -> Held:
    calls: list[dict[str, float]] = []
    while page := company.door(f"log?limit={_PAGE}&after={len(calls)}")["calls"]:
        calls += page
    began = min(
        call["at"]
        for call in calls
        if call["method"] == "POST" and call["path"].endswith("/organizations")
    )
    second = [call for call in calls if _MINUTE <= call["at"] - began < 2 * _MINUTE]
    if max(call["at"] for call in calls) - began < 2 * _MINUTE:
        raise SystemExit(f"{company.plan}: the load ended before its second minute did")
    refused = sum(call["status"] == 429 for call in calls)
    return Held(company.plan, len(second) / _MINUTE, refused)


if __name__ == "__main__":
    main(measure)
