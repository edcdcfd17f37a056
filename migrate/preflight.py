"""Preflight as commands use it: the loader's gates, and those that only people can answer.

A red gate is exit code 2 and nothing is written. The sandbox has no automations, so there that
gate is waived by name; everywhere else somebody vouches for it in account.toml, until a day.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from load.client import PipedriveClient
from load.clock import RealClock
from load.preflight import Gate, Preflight
from load.preflight import preflight as ask
from migrate.addresses import is_loopback
from migrate.outcome import CONFIGURATION, DONE, Outcome, Table
from migrate.refreshing import source_fresh
from migrate.settings import PIPEDRIVE
from migrate.signing import sign_off
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from load.settings import PipedriveAccount
    from migrate.settings import Settings

ATTESTED: Final = "automations_paused"
DECIDED: Final = "source_decided"
STORES_CONFIRMED: Final = "stores_confirmed"
WATCHED: Final = "foreign_changes"
PROBED: Final = "probed_facts"


def check(
    settings: Settings,
    progress: Progress,
    ledger: Ledger,
    plan: FrozenPlan,
    *,
    waive: tuple[str, ...] = (),
    with_canary: bool = True,
    is_sample: bool = False,
) -> Preflight:
    """All gates of this account for this plan; a sample needs no sign-off."""
    account, clock = settings.pipedrive(), RealClock()
    watch = settings.canary_seconds

    async def run() -> Preflight:
        client = PipedriveClient(account, ledger, clock, read_only=not with_canary)
        async with client:
            return await ask(
                plan,
                ledger,
                client,
                settings=account,
                clock=clock,
                progress=progress,
                watch_seconds=settings.settle_seconds if watch is None else watch,
                with_archived="archive" in settings.order_strategy,
                with_canary=with_canary,
                own=(
                    attestation(settings, dt.datetime.now(dt.UTC).date()),
                    *decisions(settings, plan),
                    facts_probed(settings, plan),
                    watching(account, waive),
                    source_fresh(plan, ledger, clock.now()),
                    *(() if is_sample else (sign_off(settings, plan),)),
                ),
                waive=frozenset(waive),
            )

    return asyncio.run(run())


def attestation(settings: Settings, today: dt.date) -> Gate:
    """Automations can't be read from the API: who says that they are off, and until when?"""
    if is_loopback(settings.pipedrive_base_url):
        return Gate(ATTESTED, "waived", "the sandbox on this machine has no automations")
    found = [one for one in settings.attestations if one.name == ATTESTED]
    valid = [one for one in found if one.expires >= today]
    if valid:
        last = max(valid, key=lambda one: one.expires)
        return Gate(ATTESTED, "green", f"{last.by}, until {last.expires}")
    why = f"expired on {max(one.expires for one in found)}" if found else "nobody vouches for it"
    return Gate(
        ATTESTED,
        "red",
        f"{why}: pause Pipedrive's automations, then write name, by and expires under"
        " [[attestations]] in account.toml",
    )


def decisions(settings: Settings, plan: FrozenPlan) -> tuple[Gate, Gate]:
    """Does the plan leave something out, or take a default, that nobody decided on?"""
    open_ones = {
        str(row["reason"]): int(row["rows"])
        for row in plan.table("plan_summary")
        if row["entity"] == "decision"
    }
    stores = open_ones.pop("store_setting", 0)
    undecided = ", ".join(f"{count} of kind {kind}" for kind, count in sorted(open_ones.items()))
    decided = Gate(DECIDED, "green", "every field and property of the source is decided on")
    if undecided:
        decided = Gate(
            DECIDED,
            "red",
            f"nobody decided on {undecided}: the lines to commit stand in "
            "discovery.disc_decisions_open; then build and plan again",
        )
    confirmed = Gate(STORES_CONFIRMED, "green", "zone, currency, owner and visibility of all")
    if stores:
        sandboxed = is_loopback(settings.pipedrive_base_url)
        confirmed = Gate(
            STORES_CONFIRMED,
            "waived" if sandboxed else "red",
            f"{stores} stores without a confirmed zone, currency, owner and visibility in "
            "seeds/decisions/store_settings.csv"
            + ("; the sandbox's stores have nobody to ask" if sandboxed else ""),
        )
    return decided, confirmed


def facts_probed(settings: Settings, plan: FrozenPlan) -> Gate:
    """Does the order strategy rely on something that nobody knows of this account?"""
    unknown = [str(row["reason"]) for row in plan.table("plan_summary") if row["entity"] == "fact"]
    if not unknown:
        return Gate(PROBED, "green", "the order strategy relies on nothing that nobody probed")
    sandboxed = is_loopback(settings.pipedrive_base_url)
    return Gate(
        PROBED,
        "waived" if sandboxed else "red",
        f"{settings.order_strategy} relies on {', '.join(sorted(unknown))}: see"
        " plan.plan_facts_open; aiq2pd probe, on a trial account, settles what can be probed"
        + ("; on the sandbox it is as its switches say" if sandboxed else ""),
    )


def watching(account: PipedriveAccount, waive: tuple[str, ...]) -> Gate:
    """Not a question but a promise for the load; named here so that it can be waived and kept."""
    if WATCHED in waive:
        return Gate(WATCHED, "waived", "what others change during the load does not stop it")
    most = account.foreign_changes_most
    return Gate(
        WATCHED, "green", f"changes by others on over {most:.1%} of new records stop a load"
    )


def facts(result: Preflight) -> dict[str, Any]:
    """What it cost."""
    return {"preflight calls": result.calls, "preflight tokens": result.tokens}


def table(result: Preflight) -> Table:
    """The gates, one row each."""
    rows = tuple((gate.name, gate.state, gate.why) for gate in result.gates)
    return Table("Preflight", ("gate", "state", "why"), rows)


def outcome(command: str, result: Preflight) -> Outcome:
    """The gates alone: the whole of `preflight`, and the end of an `apply` that a gate stops."""
    red = [gate.name for gate in result.red]
    headline = f"red: {', '.join(red)}; nothing was loaded" if red else "all gates are open"
    notes = (
        ("Mend the cause, or let a gate pass by name: --waive GATE (the ledger keeps it)",)
        if red
        else ("Next: aiq2pd apply",)
    )
    return Outcome(
        command,
        headline,
        CONFIGURATION if red else DONE,
        facts=facts(result),
        tables=(table(result),),
        notes=notes,
    )


@remembered
def check_account(
    settings: Settings,
    progress: Progress,
    *,
    digest: str = "",
    with_canary: bool = True,
    waive: tuple[str, ...] = (),
) -> Outcome:
    """`aiq2pd preflight`."""
    settings.require(PIPEDRIVE)
    with open_ledger(settings) as ledger:
        checked = check(
            settings,
            progress,
            ledger,
            frozen_plan(settings, digest),
            waive=waive,
            with_canary=with_canary,
        )
        publish_ledger(settings, ledger)
    return outcome("preflight", checked)
