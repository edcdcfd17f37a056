"""`aiq2pd waves`: how far each wave is, and its sign-off."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def waves(
    *,
    sign_off: Annotated[
        int, typer.Option("--sign-off", min=0, help="Sign this wave off; the next one may load.")
    ] = 0,
    by: Annotated[str, typer.Option("--by", help="Who looked at it.")] = "",
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show each wave's records, what is pending, missing or different, and who signed it off.

    The rules are in seeds/decisions/waves.csv. One wave is loaded by aiq2pd apply --wave N,
    verified by aiq2pd verify, taken back by aiq2pd undo --wave N. A wave with anything pending,
    missing or different can't be signed off. Exit code 3: a wave is not signed off yet.

    Example:

        aiq2pd waves --sign-off 1 --by "Kim, operations"
    """
    from migrate.waves import look_at_waves

    step = partial(look_at_waves, sign_off=sign_off, by=by)
    run_on_account("waves", step, as_json=as_json, debug=debug, sandbox=sandbox)
