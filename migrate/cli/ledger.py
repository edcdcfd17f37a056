"""`aiq2pd ledger`: the loader's memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, flowing, run_on_account

app = typer.Typer(help="The loader's memory: what it intended, sent and got.", no_args_is_help=True)


def rebuild(
    *,
    plan: Annotated[
        str, typer.Option("--plan", help="Digest of an older plan; default: the newest.")
    ] = "",
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Restore a lost ledger from the migration keys that Pipedrive's records carry.

    Reads lists and writes nothing to Pipedrive. Needs a data folder without a ledger and a frozen
    plan. What comes back: the map of ids, field codes and option ids. What does not: refusals, the
    journal, and the values that records held before we changed them.

    Example:

        aiq2pd ledger rebuild
    """
    from migrate.mending import rebuild_ledger

    step = partial(rebuild_ledger, digest=plan)
    run_on_account("ledger rebuild", step, as_json=as_json, debug=debug, sandbox=sandbox)


def export_fields(
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="File to write; default: seeds/decisions/field_codes.csv."),
    ] = None,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write codes of fields and ids of options, labels and stages into a seed, to be committed.

    A code never changes, a name may: with this file, fields, options, labels, pipelines and stages
    are found after an administrator renamed them even where the ledger is lost or another machine
    loads. Lines of other companies stay. Sends nothing.

    Example:

        aiq2pd ledger export-fields
    """
    from migrate.provisioning import export_codes

    step = partial(export_codes, to=to)
    run_on_account("ledger export-fields", step, as_json=as_json, debug=debug, sandbox=sandbox)


app.command("export-fields", help=flowing(export_fields.__doc__ or ""))(export_fields)
app.command("rebuild", help=flowing(rebuild.__doc__ or ""))(rebuild)
