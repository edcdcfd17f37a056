"""`aiq2pd probe`: settle open facts on a trial account."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def probe(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; list the questions with their price.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="File to write; default: seeds/decisions/probed_facts.csv."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Settle, on a trial account, what Pipedrive's documents leave open.

    Writes a few records that bear a probe's name, looks what became of them, deletes them all, and
    writes the answers into a seed that plans and the local Pipedrive read. A probe that was killed
    is cleared away by the next. The company that this ledger loads is refused. Not asked is what
    only a full account could answer, such as what counts in the cap on deals.

    Exit codes: 2 declined or refused, 3 some questions stayed open, 75 run again.

    Example:

        aiq2pd probe --dry-run
    """
    from migrate.probing import probe_account

    step = partial(probe_account, dry_run=dry_run, ask=None if yes else _asked, to=to)
    run_on_account("probe", step, as_json=as_json, debug=debug, sandbox=sandbox)


def _asked(question: str) -> bool:
    return typer.confirm(f"\n{question}. Go on?", default=False, err=True)
