"""`aiq2pd cutover`: the runbook of the last day, as gates."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def cutover(
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Run no step and write nothing; judge what is there now."),
    ] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run the last delta to its end and answer every gate of the cutover.

    Reads the source with every detail, builds, plans, applies, sweeps, verifies, writes documents
    and report. Then asks: did the source stand still between the last two reads, are details
    fresh, is verify green, consent safe, every exception signed off, an undo affordable
    (AIQ2PD_UNDO_MAX_DAYS), and is Alpine IQ's integration off (attested in account.toml)?

    A gate is green, red, or waived by a row in seeds/decisions/test_waivers.csv (test_name
    cutover.NAME, with a reason and an end); consent can't be waived. All answers are kept in the
    ledger. Exit codes: 0 all open, 2 a gate is red, 70 consent is raised.

    Example:

        aiq2pd cutover --dry-run
    """
    from migrate.cutover import cut_over

    step = partial(cut_over, dry_run=dry_run)
    run_on_account("cutover", step, as_json=as_json, debug=debug, sandbox=sandbox)
