"""`aiq2pd apply`: carry out the newest frozen plan."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.preflight import Waive
from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def apply(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; show what would be sent.")
    ] = False,
    plan: Annotated[
        str, typer.Option("--plan", help="Digest of an older plan; default: the newest.")
    ] = "",
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Sleep through the reset of the daily budget; then as with --refresh."
        ),
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            help="First read the source's lists and Pipedrive again, build and plan: for each "
            "further day of a load.",
        ),
    ] = False,
    wave: Annotated[
        int, typer.Option("--wave", min=0, help="Only this wave; those before are signed off.")
    ] = 0,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            metavar="N",
            min=0,
            help="Send only up to N records, one of each kind, with their parents and children.",
        ),
    ] = 0,
    waive: Waive = None,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the newest frozen plan to Pipedrive, within its limits and our share of its budget.

    Can be killed at any instruction: run it again and it goes on, with nothing written twice. A
    plan that is done writes nothing. The gates of `preflight` come first, and a red one stops it.
    Updates of consent, opt-outs above all, go before everything else. A plan whose source was read
    over a day ago is not applied (gate `source_fresh`): --refresh makes a new one first.
    A first --sample needs no sign-off: look at it in Pipedrive, then commit the line that the red
    gate `sign_off` names to seeds/decisions/sign_offs.csv; `undo` takes a sample away again.
    Exit codes: 2 a gate is red, 3 some records were refused and are quarantined, 4 Pipedrive
    changed since the plan, 75 today's budget is used up: run again tomorrow, or use --wait.

    Example:

        aiq2pd apply --dry-run
    """
    from migrate.applying import Wish, apply_plan

    wish = Wish(plan, dry_run, sample, tuple(waive or ()), wave)
    step = partial(apply_plan, wish=wish, wait=wait, renew=refresh)
    run_on_account("apply", step, as_json=as_json, debug=debug, sandbox=sandbox)
