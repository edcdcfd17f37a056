"""`aiq2pd handover`: move a running migration to another machine or colleague."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, flowing, run

File = Annotated[Path, typer.Argument(help="The bundle.")]


def seal(file: File, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Seal ledger, plans, key, steps, account.toml and decisions in one encrypted file.

    Encrypted under AIQ2PD_HANDOVER_KEY (at least 16 characters), which you pass on by another way.
    Afterwards this copy is read-only: no command writes with its ledger any more, so that two
    machines never load at once. The warehouse stays out: it is built again over there.

    Example:

        aiq2pd handover seal migration.aiq2pd
    """
    from migrate.handover import seal as step

    run("handover seal", partial(step, file=file), as_json=as_json, debug=debug)


def open_bundle(file: File, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Open a bundle into the data folder, which must have no ledger of its own.

    account.toml and the decisions lie in the folder handover of the data folder, to be compared
    with those of the checkout. The command says if this checkout is another commit. The copy that
    was sealed can be opened again in its place, if nobody else went on with it.

    Example:

        aiq2pd handover open migration.aiq2pd
    """
    from migrate.handover import unseal as step

    run("handover open", partial(step, file=file), as_json=as_json, debug=debug)


app = typer.Typer(no_args_is_help=True, help="Move a running migration to another machine.")
app.command("seal", help=flowing(seal.__doc__ or ""))(seal)
app.command("open", help=flowing(open_bundle.__doc__ or ""))(open_bundle)
