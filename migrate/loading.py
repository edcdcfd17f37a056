"""The loader as commands use it: a client for the account, one run, an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from load.client import PipedriveClient
from load.clock import Clock, RealClock
from load.engine import ApplyResult
from load.engine import apply as apply_plan
from load.errors import ConfigError
from load.sweep import SweepResult
from load.sweep import sweep as sweep_doubts
from migrate.outcome import DONE, RUN_AGAIN_LATER, Outcome, Table

if TYPE_CHECKING:
    from pathlib import Path

    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from load.settings import PipedriveAccount

AFTER_THE_RESET = timedelta(minutes=2)
LONGEST_NAP = 300.0
ENDINGS = {
    DONE: "everything in the plan is in Pipedrive",
    3: "the plan is carried out; some records need a human (see the report)",
    4: "Pipedrive is not what the plan saw: run `aiq2pd plan` and apply again",
}


@dataclass(frozen=True, slots=True)
class Company:
    """Whose token it is."""

    company_id: int
    company_domain: str


async def company(account: PipedriveAccount, ledger: Ledger) -> Company:
    """Ask whose token it is (two tokens), and refuse a company that nobody configured."""
    async with PipedriveClient(account, ledger, RealClock(), read_only=True) as client:
        answer = await client.call("GET", "/api/v1/users/me", cost=2, entity="account")
    found = Company(int(answer.data["company_id"]), str(answer.data["company_domain"]))
    for name, wanted, got in (
        ("PIPEDRIVE_COMPANY_ID", account.company_id, found.company_id),
        ("PIPEDRIVE_COMPANY_DOMAIN", account.company_domain, found.company_domain),
    ):
        if wanted is not None and wanted != got:
            raise ConfigError(
                f"the token is of company {got}, {name} says {wanted}: use that company's token, "
                "or correct the setting"
            )
    return found


def sleep_until(
    goes_on_at: datetime, *, say: Callable[[str], None], clock: Clock | None = None
) -> None:
    """Until the day's new tokens are there for sure, in short naps."""
    clock = clock or RealClock()
    goes_on_at += AFTER_THE_RESET
    say(f"today's tokens are used up; going on at {goes_on_at:%Y-%m-%d %H:%M} UTC")
    while (left := (goes_on_at - clock.now()).total_seconds()) > 0:
        # a machine that slept meanwhile goes on by the wall clock
        asyncio.run(clock.sleep(min(left, LONGEST_NAP)))


async def load(
    account: PipedriveAccount,
    ledger: Ledger,
    plan: FrozenPlan,
    *,
    progress: Progress,
    dry_run: bool,
    on_barrier: Callable[[str], object] = lambda _entity: None,
    uploads_folder: Path | None = None,
) -> tuple[ApplyResult, datetime | None]:
    """One run of the loader over a frozen plan, and when it can go on if the day's tokens ended it;
    `on_barrier` is called after each phase, files to upload lie in `uploads_folder`."""
    clock = RealClock()
    async with PipedriveClient(account, ledger, clock, read_only=dry_run) as client:
        result = await apply_plan(
            plan,
            ledger,
            client,
            settings=account,
            clock=clock,
            progress=progress,
            dry_run=dry_run,
            on_barrier=on_barrier,
            uploads_folder=uploads_folder,
        )
        return result, client.goes_on_at() if result.exit_code == RUN_AGAIN_LATER else None


def apply_outcome(
    result: ApplyResult,
    *,
    dry_run: bool,
    published: bool,
    facts_before: dict[str, Any] | None = None,
    tables_before: tuple[Table, ...] = (),
) -> Outcome:
    """What a run did, for people; `..._before` is what its preflight said."""
    headline = result.message or ENDINGS.get(result.exit_code, "stopped")
    rows = tuple(
        (entity, outcome, records)
        for entity, outcomes in result.counts.items()
        for outcome, records in outcomes.items()
    )
    notes = [] if published else [STILL_OPEN]
    if result.exit_code in (DONE, 3) and not dry_run:
        notes.append("Next: aiq2pd sweep, then aiq2pd verify")
    facts: dict[str, Any] = {
        "plan": result.plan_digest,
        "write calls": result.writes,
        "calls": result.calls,
        "tokens": result.tokens,
        "writes of unknown outcome": result.parked,
        **(facts_before or {}),
    }
    return Outcome(
        "apply",
        headline,
        result.exit_code,
        facts=facts,
        tables=(*tables_before, Table("Records", ("entity", "outcome", "records"), rows)),
        notes=tuple(notes),
    )


STILL_OPEN = (
    "Another program has the warehouse open, so the ledger could not be copied into it; the next "
    "command does it."
)


async def sweep(account: PipedriveAccount, ledger: Ledger, *, progress: Progress) -> SweepResult:
    """The closing sweep of the ledger's doubts."""
    clock = RealClock()
    async with PipedriveClient(account, ledger, clock) as client:
        return await sweep_doubts(ledger, client, settings=account, clock=clock, progress=progress)


def sweep_outcome(result: SweepResult) -> Outcome:
    """What the sweep found, for people."""
    rows = tuple(
        (entity, what, records)
        for entity, found in result.counts.items()
        for what, records in found.items()
    )
    return Outcome(
        "sweep",
        "nothing landed late" if not rows else "writes that landed late are settled",
        result.exit_code,
        facts={"write calls": result.writes},
        tables=(Table("Found", ("entity", "what", "records"), rows),) if rows else (),
        notes=("Next: aiq2pd verify",),
    )
