"""`aiq2pd trace`: one record, from the source to Pipedrive."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, run


def trace(
    key: Annotated[
        str,
        typer.Argument(help="A source key, a link to a Pipedrive record, or an e-mail address."),
    ],
    *,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Show personal values in the clear.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show why a record is what it is: source, merge, consent, plan, calls, present value.

    Personal values are masked. Reads the warehouse and the ledger, calls nobody.

    Example:

        aiq2pd trace aiq:contact:0180b0741a847baa177ee56e6257f88d
    """
    from migrate.trace import trace as traced

    step = partial(traced, key=key, is_masked=not unmasked)
    run("trace", step, as_json=as_json, debug=debug)
