"""Mending the loader's memory: refused records tried again, a lost ledger restored.

Raises `ConfigError` for keys and entities that the ledger does not know, `RetryLater` while a run
is active, and what the loader raises.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from load.errors import ConfigError
from migrate.outcome import Outcome, Table
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from load.ledger import Ledger
    from load.progress import Progress
    from migrate.settings import Settings


@remembered
def retry_refused(
    settings: Settings, _progress: Progress, *, entity: str = "", keys: tuple[str, ...] = ()
) -> Outcome:
    """`aiq2pd retry`."""
    from load.ledger.retries import release
    from load.phases import PHASE_OF

    if entity and entity not in PHASE_OF:
        raise ConfigError(f"--entity: {entity!r} is not one of {', '.join(PHASE_OF)}")
    with open_ledger(settings) as ledger:
        with ledger.exclusive():
            released = release(ledger, entity=entity or None, source_keys=keys)
        publish_ledger(settings, ledger)
    rows = tuple((one, reason, count) for (one, reason), count in sorted(released.items()))
    count = sum(released.values())
    return Outcome(
        "retry",
        f"{count:,} refused records may be sent again" if count else "nothing is in quarantine",
        tables=(Table("Released", ("entity", "reason", "records"), rows),) if rows else (),
        notes=("Next: aiq2pd plan, then aiq2pd apply",) if rows else (),
    )


@remembered
def rebuild_ledger(settings: Settings, progress: Progress, *, digest: str = "") -> Outcome:
    """`aiq2pd ledger rebuild`."""
    account = settings.pipedrive()
    from load.client import PipedriveClient
    from load.clock import RealClock
    from load.rebuild import RebuildResult, rebuild

    plan = frozen_plan(settings, digest)

    async def run(ledger: Ledger) -> RebuildResult:
        clock = RealClock()
        async with PipedriveClient(account, ledger, clock, read_only=True) as client:
            return await rebuild(
                plan, ledger, client, settings=account, clock=clock, progress=progress
            )

    with open_ledger(settings) as ledger:
        result = asyncio.run(run(ledger))
        publish_ledger(settings, ledger)
    rows = tuple(
        (entity, what, count)
        for entity, found in result.counts.items()
        for what, count in sorted(found.items())
    )
    return Outcome(
        "ledger rebuild",
        "the ledger knows the destination again",
        result.exit_code,
        facts={"plan": plan.digest, "calls": result.calls, "tokens": result.tokens},
        tables=(Table("Found", ("entity", "what", "records"), rows),),
        notes=("Next: aiq2pd plan --read-back, then aiq2pd apply",),
    )
