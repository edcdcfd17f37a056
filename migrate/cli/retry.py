"""`aiq2pd retry`: try refused records again, as they are."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def retry(
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Source keys; default: all that were refused."),
    ] = None,
    *,
    entity: Annotated[
        str, typer.Option("--entity", help="Only records of this entity, such as person.")
    ] = "",
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Let records that Pipedrive refused be sent once more although they did not change.

    Needed only when the cause was mended in Pipedrive (a field, a permission, a cap). A record
    whose data or mapping changed is tried again by the next plan without being asked. Sends
    nothing itself. Records that people deleted come back only when they are named.

    Example:

        aiq2pd retry --entity person
    """
    from migrate.mending import retry_refused

    step = partial(retry_refused, entity=entity, keys=tuple(keys or ()))
    run_on_account("retry", step, as_json=as_json, debug=debug, sandbox=sandbox)
