"""`aiq2pd undo`: take back what was loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account

if TYPE_CHECKING:
    from load.undo import Selection


def undo(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; show the plan and what is spared.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All that this ledger says we wrote.")
    ] = False,
    plan: Annotated[str, typer.Option("--plan", help="What the plan of this digest wrote.")] = "",
    run: Annotated[str, typer.Option("--run", help="What this run wrote (ledger.runs).")] = "",
    wave: Annotated[
        int, typer.Option("--wave", min=0, help="The records of this wave of the newest plan.")
    ] = 0,
    entity: Annotated[
        str,
        typer.Option(
            "--entity",
            help="Only this entity: organization, person, product, deal, deal_product or note.",
        ),
    ] = "",
    field: Annotated[
        str,
        typer.Option("--field", help="Only this mart column; no record is deleted."),
    ] = "",
    fields: Annotated[
        bool,
        typer.Option(
            "--fields",
            help="With --all: also the custom fields, options, labels, stages and pipeline that "
            "we made and that hold nothing any more.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take back what was loaded: delete what we made, put back what we overwrote.

    What people changed since, or hung activities, files, deals or notes on, is spared and listed.
    Consent is never raised by it. Deletions can be taken back in Pipedrive for 30 days. Can be
    killed at any instruction: the same command goes on. Exit codes: 2 declined, 3 something is
    spared, 75 today's budget is used up: run again tomorrow.

    A wave's records are those that the newest plan puts in it; its parents of an earlier wave stay.

    Example:

        aiq2pd undo --all --dry-run
    """
    from load.undo import Selection
    from migrate.undoing import undo_load

    chosen: Selection = Selection(
        plan_digest=plan, run_id=run, entity=entity, column=field, everything=everything,
        fields=fields, wave=wave,
    )  # fmt: skip
    step = partial(undo_load, selection=chosen, dry_run=dry_run, ask=None if yes else _asked)
    run_on_account("undo", step, as_json=as_json, debug=debug, sandbox=sandbox)


def _asked(question: str) -> bool:
    return typer.confirm(f"\n{question}. Go on?", default=False, err=True)
