"""`aiq2pd plan`: decide every write, and freeze the decision."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def plan(
    *,
    read_back: Annotated[
        bool | None,
        typer.Option(
            "--read-back/--no-read-back",
            help="Read Pipedrive first, so that records that are there already are adopted. "
            "Default: only while the ledger knows no record (a first load, or a lost ledger).",
        ),
    ] = None,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Decide every write, show what it costs in calls, tokens and days, and freeze it.

    Compares the marts with the ledger and with Pipedrive. Writes nothing there. The frozen plan
    lies in the data folder under plans/, and `apply` reads nothing else.

    Example:

        aiq2pd plan
    """
    from migrate.steps import make_plan

    step = partial(make_plan, read_back=read_back)
    run_on_account("plan", step, as_json=as_json, debug=debug, sandbox=sandbox)
