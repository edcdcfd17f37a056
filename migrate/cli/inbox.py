"""`aiq2pd inbox`: the customer's own exports."""

from __future__ import annotations

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, flowing, run_on_account

app = typer.Typer(
    help="Exports that the customer drops into the folder inbox of the data folder.\n\n"
    "Example:\n\n    aiq2pd inbox check",
    no_args_is_help=True,
)


@app.callback()
def inbox() -> None:
    """Keeps `check` a command of its own, although it is the only one."""


def check(*, sandbox: OnSandbox = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Read the exports in the inbox to their end and tell what they hold; nothing is landed.

    Files are known by their names: personas end in -rp.csv, sales lines in -sl.csv, the support
    file of hidden contacts in -bl.csv, a settings snapshot is a .json with loyalty in its name.
    Files of persons and orders stand in the folder files of the inbox, beside a manifest.csv with
    the columns file, contact_id, kind and, if wanted, transaction_id and title. apply uploads
    them; what can't be uploaded, and why, is listed in reconciliation.rec_files_to_attach.

    Problems are named by file, line and column, never by a value.

    Example:

        aiq2pd inbox check
    """
    from migrate.inbox import check as check_files

    run_on_account(
        "inbox check",
        lambda settings, _progress: check_files(settings),
        as_json=as_json,
        debug=debug,
        sandbox=sandbox,
    )


app.command(help=flowing(check.__doc__ or ""))(check)
