"""`aiq2pd provision`: the account's fields as the catalogue has them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def provision(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; show what would be changed.")
    ] = False,
    plan: Annotated[
        str, typer.Option("--plan", help="Digest of an older plan; default: the newest.")
    ] = "",
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Delete and make again fields of ours whose type changed; the next plan sends "
            "their values again.",
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Delete fields of ours that the catalogue dropped."),
    ] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make the account's fields those of the catalogue: create, rename, and on demand more.

    `apply` makes missing fields, options, labels, pipelines and stages by itself. This also
    renames fields of ours that the catalogue calls otherwise now. A field is replaced or pruned
    only if we made it and only while every value in it is ours. Names that an administrator gave,
    and what one deleted, are told. What was there before us under the name of ours starts nothing
    until its code or id is committed to seeds/decisions/field_codes.csv. Can be killed and run
    again. Exit codes: 2 something of others stands in the way, 3 something stays that needs a flag
    or a human, 75 run again.

    Example:

        aiq2pd provision --dry-run
    """
    from migrate import provisioning

    step = partial(
        provisioning.provision, digest=plan, dry_run=dry_run, replace=replace, prune=prune
    )
    run_on_account("provision", step, as_json=as_json, debug=debug, sandbox=sandbox)
