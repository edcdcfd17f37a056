"""`aiq2pd preflight`: may this plan be applied to this account?"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account

Waive = Annotated[
    list[str] | None,
    typer.Option("--waive", metavar="GATE", help="Let a red gate pass; kept in the ledger."),
]


def preflight(
    *,
    plan: Annotated[
        str, typer.Option("--plan", help="Digest of an older plan; default: the newest.")
    ] = "",
    canary: Annotated[
        bool, typer.Option("--canary/--no-canary", help="Write, watch and delete a test record.")
    ] = True,
    waive: Waive = None,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check account, caps, budget, webhooks and attestations, and send a canary ahead.

    The canary is a person without any address and a won deal in the orders' own pipeline: written,
    read back, watched for changes by others, deleted. `apply` does all this by itself; a red gate
    stops it with exit code 2.

    Example:

        aiq2pd preflight --waive webhooks
    """
    from migrate.preflight import check_account

    step = partial(check_account, digest=plan, with_canary=canary, waive=tuple(waive or ()))
    run_on_account("preflight", step, as_json=as_json, debug=debug, sandbox=sandbox)
