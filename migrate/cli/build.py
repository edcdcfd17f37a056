"""`aiq2pd build`: dbt build, with progress and clear errors."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def build(
    *,
    select: Annotated[
        str, typer.Option("--select", "-s", help="Only these models, in dbt's own words.")
    ] = "",
    unit_tests: Annotated[
        bool,
        typer.Option(
            "--unit-tests",
            help="Also the unit tests: they judge the SQL, not the data.",
        ),
    ] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Turn what was landed into what Pipedrive will hold, and test it (dbt build).

    Up to the marts: `plan` and `verify` build what is theirs. A plain `dbt build` from the
    project's root builds and tests everything, unit tests included, with no flags and no
    environment.
    Needs no credentials. Exit code 2 when a test or a model fails: its name and its rows are said.

    Example:

        aiq2pd build --select marts
    """
    from migrate.steps import build_models

    step = partial(build_models, select=select, unit_tests=unit_tests)
    run_on_account("build", step, as_json=as_json, debug=debug, sandbox=sandbox)
