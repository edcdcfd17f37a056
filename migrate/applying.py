"""The step that writes: gates first, then the loader over the plan, then the ledger's copy."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING, Any

from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from load.progress import Progress
    from load.sample import Sample
    from migrate.outcome import Outcome
    from migrate.settings import Settings


@remembered
def apply_plan(
    settings: Settings,
    progress: Progress,
    *,
    digest: str = "",
    dry_run: bool = False,
    wait: bool = False,
    sample: int = 0,
    waive: tuple[str, ...] = (),
    wave: int = 0,
) -> Outcome:
    """`aiq2pd apply`."""
    from load.sample import sample_of
    from migrate import preflight
    from migrate.loading import apply_outcome, load, load_to_the_end
    from migrate.waves import one_wave

    account = settings.pipedrive()
    if "foreign_changes" in waive:
        account = dataclasses.replace(account, foreign_changes_most=1.0)
    plan = frozen_plan(settings, digest)
    shown = sample_of(plan, sample) if sample else None
    plan = shown.plan if shown else plan
    sampled = _sampled(shown)
    with open_ledger(settings) as ledger:
        if wave:
            plan = one_wave(plan, ledger, wave)
        if dry_run:
            result = asyncio.run(load(account, ledger, plan, progress=progress, dry_run=True))
            return apply_outcome(result, dry_run=True, published=True, facts_before=sampled)
        checked = preflight.check(
            settings, progress, ledger, plan, waive=waive, is_sample=shown is not None
        )
        if checked.red:
            return preflight.outcome("apply", checked)

        def publish(_entity: str) -> bool:
            return publish_ledger(settings, ledger)

        running = (
            load_to_the_end(account, ledger, plan, progress=progress, on_barrier=publish, say=_say)
            if wait
            else load(account, ledger, plan, progress=progress, dry_run=False, on_barrier=publish)
        )
        result = asyncio.run(running)
        published = publish_ledger(settings, ledger)
    return apply_outcome(
        result,
        dry_run=False,
        published=published,
        facts_before={**sampled, **preflight.facts(checked)},
        tables_before=(preflight.table(checked),),
    )


def _sampled(sample: Sample | None) -> dict[str, Any]:
    if sample is None:
        return {}
    return {
        "sample": f"{sample.records} records, parents and children included",
        "kinds of record shown": f"{sample.kinds_shown} of {sample.kinds_there}",
    }


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
