"""`aiq2pd review`: decisions to and from people who are on no forge."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, flowing, run

app = typer.Typer(
    help="Mapping, options, owners, matches and drops as one workbook, there and back.\n\n"
    "Example:\n\n    aiq2pd review export review.xlsx",
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(help="The workbook, such as review.xlsx.")]


def export(file: File, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Write the seeds that a customer decides on into one workbook.

    All cells are text and nothing in it runs. Stores and pairs of contacts that nobody decided on
    yet stand below as proposals, when the models were built.

    Example:

        aiq2pd review export review.xlsx
    """
    from migrate.review import export as write

    run("review export", partial(write, file=file), as_json=as_json, debug=debug)


def bring_back(
    file: File,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, write nothing.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Bring a workbook back as rows of the seeds, to be looked at with git diff and committed.

    A bad cell is named by sheet and cell, and then nothing is written. A proposal without a name in
    decided_by is left out.

    Example:

        aiq2pd review import review.xlsx --dry-run
    """
    from migrate.review import bring_back as read

    run("review import", partial(read, file=file, is_dry=dry_run), as_json=as_json, debug=debug)


app.command("export", help=flowing(export.__doc__ or ""))(export)
app.command("import", help=flowing(bring_back.__doc__ or ""))(bring_back)
