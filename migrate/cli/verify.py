"""`aiq2pd verify`: read everything back and compare every field."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def verify(
    *,
    read_back: Annotated[
        bool,
        typer.Option(
            "--read-back/--no-read-back", help="Read Pipedrive anew (10 tokens for 500 records)."
        ),
    ] = True,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read Pipedrive back and compare every field of every record in SQL.

    Exit codes: 0 all gates are green, 2 a gate is red, 3 differences were found, 70 somebody's
    consent is wider than the source allows.

    Example:

        aiq2pd verify
    """
    from migrate.steps import verify_target

    step = partial(verify_target, read_back=read_back)
    run_on_account("verify", step, as_json=as_json, debug=debug, sandbox=sandbox)
