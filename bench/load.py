"""What a load costs and what it takes: `python -m bench.load --size 1000`.

Tokens against the least possible at 1,000 persons with their orders; peak memory of the process at
any size. The rate that is held has a part of its own, `bench.rate`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.loading import load_apart
from bench.planned import DEALS_PER_PERSON, a_company, fewest_tokens, make_plan
from bench.rows import SMALLEST, Row, main

SCALE: Final = 600.0
_SWEEP: Final = 2
_PREFLIGHT: Final = 52
_CANARY: Final = 20
_HUNDRED_DEALS: Final = 10


def measure(size: int) -> Iterator[Row]:
    """Preflight with canary, `apply` and the closing sweep of a plan made by SQL, over HTTP on the
    local Pipedrive, in a process of its own whose peak memory is taken. At 1,000 persons each has
    two deals of 1, 3, 6 or 12 lines, every tenth deal a note; memory is of persons only. The least
    possible is the cost table's price of these records, fields, pipeline and stages, and of
    preflight, canary, sweep and a look at each deal's value, a hundred deals a call."""
    orders = size <= SMALLEST
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = make_plan(folder, persons=size, orders=orders)
        with a_company(folder / "company", plan="ultimate", window_scale=SCALE) as company:
            company.door("config", {"daily_budget": 10**9, "deal_cap": 10**6})
            found = load_apart(company, plan, folder)
    if orders:
        yield from _tokens(found["used"], size)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            plan = make_plan(folder, persons=size, orders=False)
            with a_company(folder / "company", plan="ultimate", window_scale=SCALE) as company:
                company.door("config", {"daily_budget": 10**9})
                found = load_apart(company, plan, folder)
    yield Row(f"peak memory of a load of {size:,} persons", found["peak_memory_mib"], "MiB")


def _tokens(used: list[list[Any]], size: int) -> Iterator[Row]:
    calls, spent = sum(row[3] for row in used), sum(row[4] for row in used)
    fewest = fewest_tokens(persons=size, orders=True)
    values = _HUNDRED_DEALS * -(-size * DEALS_PER_PERSON // 100)
    least = fewest.writes + _PREFLIGHT + _CANARY + _SWEEP + values
    yield Row("calls of preflight, load and sweep", calls, "calls")
    yield Row("tokens of them", spent, "tokens", "the least possible", least, "at most 1.02")
    yield Row("of the least: records", fewest.records, "tokens")
    yield Row("of the least: fields, pipeline, stages", fewest.account, "tokens")
    yield Row("of the least: preflight's questions", _PREFLIGHT, "tokens")
    yield Row("of the least: canary", _CANARY, "tokens")
    yield Row("of the least: values read, a hundred deals a call", values, "tokens")
    yield Row("of the least: closing sweep", _SWEEP, "tokens")
    for kind, entity, endpoint, number, tokens in used:
        if endpoint.startswith("GET") and kind == "apply":
            yield Row(f"read by apply: {entity}, {endpoint} ({number} calls)", tokens, "tokens")


if __name__ == "__main__":
    main(measure)
