"""The undo as the command uses it: a client, a question, an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError
from load.plan import latest_plan
from load.undo import Selection, UndoPlan, UndoResult
from load.undo import undo as take_back
from migrate.outcome import DONE, Outcome, Table
from migrate.steps import open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from load.settings import PipedriveAccount
    from migrate.settings import Settings

SHOWN: Final = 200


async def undo(
    account: PipedriveAccount,
    ledger: Ledger,
    policies: FrozenPlan,
    selection: Selection,
    *,
    progress: Progress,
    agree: Callable[[UndoPlan], bool],
    dry_run: bool,
) -> UndoResult:
    """One undo, or its plan."""
    clock = RealClock()
    async with PipedriveClient(account, ledger, clock, read_only=dry_run) as client:
        return await take_back(
            selection,
            policies,
            ledger,
            client,
            settings=account,
            clock=clock,
            progress=progress,
            agree=agree,
            dry_run=dry_run,
        )


def in_words(plan: UndoPlan, account: PipedriveAccount) -> str:
    """The question's first half: what, and what it costs."""
    counts = plan.counts()
    deleted = sum(n for (_, what), n in counts.items() if what in ("delete", "with its deal"))
    restored = sum(n for (_, what), n in counts.items() if what == "restore")
    days = plan.days(account.plan, account.seats, account.budget_share)
    return (
        f"{deleted:,} records will be deleted and {restored:,} put back, {len(plan.spared()):,}"
        f" entries are spared; {plan.tokens:,} tokens, {days:.2f} days at the budget"
    )


def undo_outcome(result: UndoResult, account: PipedriveAccount, *, dry_run: bool) -> Outcome:
    """What was done, or would be; what is spared; until when it can be taken back."""
    plan = result.plan
    spared = plan.spared()
    deadlines = [row.restorable_until for row in plan.rows if row.restorable_until is not None]
    facts: dict[str, Any] = {
        "tokens planned": plan.tokens,
        "days at the budget": round(
            plan.days(account.plan, account.seats, account.budget_share), 3
        ),
        "write calls": result.writes,
        "tokens": result.tokens,
    }
    if deadlines:
        facts["deletions can be taken back in Pipedrive until"] = f"{min(deadlines):%Y-%m-%d}"
    planned = tuple((entity, what, n) for (entity, what), n in sorted(plan.counts().items()))
    done = tuple(
        (entity, outcome, records)
        for entity, outcomes in result.counts.items()
        for outcome, records in outcomes.items()
    )
    listed = tuple(
        (row.entity, row.source_key, row.pipedrive_id, ", ".join(row.columns), row.why)
        for row in spared[:SHOWN]
    )
    tables = [Table("Planned", ("entity", "what", "rows"), planned)]
    if done:
        tables.append(Table("Done", ("entity", "outcome", "records"), done))
    if listed:
        columns = ("entity", "source_key", "pipedrive_id", "columns", "why")
        tables.append(Table("Spared", columns, listed))
    if result.stays:
        rows = tuple((one,) for one in result.stays)
        tables.append(Table("Stays in the account", ("what",), rows))
    return Outcome(
        "undo",
        result.message or _headline(result.exit_code),
        result.exit_code,
        facts=facts,
        tables=tuple(tables),
        notes=_notes(result, spared_beyond=len(spared) - len(listed), dry_run=dry_run),
    )


def _headline(exit_code: int) -> str:
    if exit_code == DONE:
        return "undone: nothing of the choice is left in Pipedrive"
    return "undone, except for what people changed or use since (see Spared)"


def _notes(result: UndoResult, *, spared_beyond: int, dry_run: bool) -> tuple[str, ...]:
    notes = []
    if spared_beyond > 0:
        notes.append(f"{spared_beyond:,} more entries are spared; after an undo, see the ledger")
    if dry_run:
        notes.append("Next: the same command without --dry-run")
    elif result.exit_code in (DONE, 3):
        notes.append("Next: aiq2pd plan --read-back, to see what a new load would send")
    return tuple(notes)


@remembered
def undo_load(
    settings: Settings,
    progress: Progress,
    *,
    selection: Selection,
    dry_run: bool = False,
    ask: Callable[[str], bool] | None = None,
) -> Outcome:
    """`aiq2pd undo`. The newest frozen plan says how each column is treated."""
    account, policies = settings.pipedrive(), latest_plan(settings.places.plans)
    if policies is None:
        raise ConfigError(f"no plan in {settings.places.plans}: make one with `aiq2pd plan`")
    if selection.wave:
        keys = policies.only_wave(selection.wave).keys_of_wave(selection.wave)
        selection = replace(selection, keys=keys)

    def agree(plan: UndoPlan) -> bool:
        return ask is None or ask(in_words(plan, account))

    with open_ledger(settings) as ledger:
        result = asyncio.run(
            undo(
                account,
                ledger,
                policies,
                selection,
                progress=progress,
                agree=agree,
                dry_run=dry_run,
            )
        )
        if not dry_run:
            publish_ledger(settings, ledger)
    return undo_outcome(result, account, dry_run=dry_run)
