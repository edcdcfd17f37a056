"""`aiq2pd init`: a repository for one customer's decisions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, run


def init(
    name: Annotated[str, typer.Argument(help="Small letters, digits and _: green_valley.")],
    *,
    parent: Annotated[
        Path, typer.Option("--in", help="Folder in which the repository is made.")
    ] = Path(),
    core: Annotated[
        str,
        typer.Option(help="The core as seen from the new folder; default: where this command is."),
    ] = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a repository for one customer: own seeds, fields, models on this project as a package.

    It uses this project as a local dbt package, pinned by whoever pins its folder. Core models and
    seeds are overridden by switching them off and supplying one of the same name.

    Example:

        aiq2pd init green_valley --in ../customers --core core
    """
    from migrate.customer import make

    run(
        "init",
        partial(make, name=name, parent=parent, core=core),
        as_json=as_json,
        debug=debug,
    )
