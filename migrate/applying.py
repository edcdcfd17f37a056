"""The step that writes: gates first, then the loader over the plan, then the ledger's copy."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from load.errors import ConfigError
from migrate.settings import ALPINE_IQ
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from datetime import datetime

    from load.progress import Progress
    from load.sample import Sample
    from migrate.outcome import Outcome
    from migrate.settings import Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """What of which plan is to be applied, and what may pass."""

    digest: str = ""
    dry_run: bool = False
    sample: int = 0
    waive: tuple[str, ...] = ()
    wave: int = 0


EVERYTHING: Final = Wish()


@remembered
def apply_plan(
    settings: Settings,
    progress: Progress,
    *,
    wish: Wish = EVERYTHING,
    wait: bool = False,
    renew: bool = False,
) -> Outcome:
    """`aiq2pd apply`."""
    from migrate.loading import sleep_until
    from migrate.refreshing import refresh

    if renew and wish.digest:
        raise ConfigError("--refresh makes a new plan, --plan names an old one: give one of them")
    while True:
        if renew and (unfinished := refresh(settings, progress)) is not None:
            return unfinished
        outcome, goes_on_at = _once(settings, progress, wish)
        if not wait or goes_on_at is None:
            return outcome
        sleep_until(goes_on_at, say=_say)
        renew = not wish.digest and not settings.missing(ALPINE_IQ)


def _once(settings: Settings, progress: Progress, wish: Wish) -> tuple[Outcome, datetime | None]:
    """One run, and when it can go on if the day's tokens ended it."""
    from load.sample import sample_of
    from migrate import preflight
    from migrate.loading import apply_outcome, load
    from migrate.waves import one_wave

    account = settings.pipedrive()
    if "foreign_changes" in wish.waive:
        account = replace(account, foreign_changes_most=1.0)
    plan = frozen_plan(settings, wish.digest)
    shown = sample_of(plan, wish.sample) if wish.sample else None
    plan = shown.plan if shown else plan
    sampled = _sampled(shown)
    with open_ledger(settings) as ledger:
        if wish.wave:
            plan = one_wave(plan, ledger, wish.wave)
        if wish.dry_run:
            result, _ = asyncio.run(load(account, ledger, plan, progress=progress, dry_run=True))
            told = apply_outcome(result, dry_run=True, published=True, facts_before=sampled)
            return told, None
        checked = preflight.check(
            settings, progress, ledger, plan, waive=wish.waive, is_sample=shown is not None
        )
        if checked.red:
            return preflight.outcome("apply", checked), None

        def publish(_entity: str) -> bool:
            return publish_ledger(settings, ledger)

        running = load(
            account,
            ledger,
            plan,
            progress=progress,
            dry_run=False,
            on_barrier=publish,
            uploads_folder=settings.places.uploads,
        )
        result, goes_on_at = asyncio.run(running)
        published = publish_ledger(settings, ledger)
    told = apply_outcome(
        result,
        dry_run=False,
        published=published,
        facts_before={**sampled, **preflight.facts(checked)},
        tables_before=(preflight.table(checked),),
    )
    return told, goes_on_at


def _sampled(sample: Sample | None) -> dict[str, Any]:
    if sample is None:
        return {}
    return {
        "sample": f"{sample.records} records, parents and children included",
        "kinds of record shown": f"{sample.kinds_shown} of {sample.kinds_there}",
    }


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
