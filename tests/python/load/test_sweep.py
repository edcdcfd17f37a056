"""The closing sweep: what landed after everybody had stopped waiting."""

from __future__ import annotations

import asyncio

from load.client import PipedriveClient
from load.clock import RealClock
from load.progress import Silent
from load.sweep import sweep


def swept(loader):
    async def run():
        with loader.ledger() as ledger:
            async with PipedriveClient(loader.account, ledger) as client:
                return await sweep(
                    ledger, client, settings=loader.account, clock=RealClock(), progress=Silent()
                )

    return asyncio.run(run())


def test_a_record_that_lands_beyond_the_bound_is_removed_as_long_as_nobody_touched_it(
    loader, company, worlds
):
    world = worlds.small(persons=4, deals=0)
    # applied 3 s after the connection was lost; the loader waits 0.3 s
    company.faults(
        {"kind": "late_apply", "method": "POST", "path": "/persons$", "nth": [2], "seconds": 3.0}
    )
    assert loader.apply(world).exit_code == 0
    company.faults()
    import time

    time.sleep(3.5)
    assert len(company.records("/api/v2/persons")) == 5
    result = swept(loader)
    assert result.counts["person"]["removed"] == 1
    assert result.exit_code == 0
    assert len(company.records("/api/v2/persons")) == 4
    assert swept(loader).writes == 0
    assert loader.apply(world).writes == 0


def test_a_double_that_somebody_works_with_stays_and_is_reported(loader, company, worlds):
    world = worlds.small(persons=4, deals=0)
    company.faults(
        {"kind": "late_apply", "method": "POST", "path": "/persons$", "nth": [2], "seconds": 3.0}
    )
    assert loader.apply(world).exit_code == 0
    company.faults()
    import time

    time.sleep(3.5)
    late = company.records("/api/v2/persons")[-1]
    company.ask("PATCH", f"/api/v2/persons/{late['id']}", {"name": "Called today"})
    result = swept(loader)
    assert result.counts["person"]["to review"] == 1
    assert result.exit_code == 3
    assert len(company.records("/api/v2/persons")) == 5
