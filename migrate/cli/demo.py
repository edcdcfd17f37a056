"""`aiq2pd demo`: the whole migration on local servers."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, run


def demo(
    *,
    personas: Annotated[int, typer.Option(min=1, help="How many people the account has.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, another account.")] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the sandbox running at the end.")
    ] = False,
    acts: Annotated[
        int,
        typer.Option(
            min=1,
            max=2,
            help="2: after the migration also edits on both sides, a delta and an undo, on a copy.",
        ),
    ] = 2,
    chaos: Annotated[
        bool,
        typer.Option(
            "--chaos",
            help="Also: kill -9 a load at a random moment (drawn from the seed), resume, check, "
            "undo, compare.",
        ),
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Generate an account, serve both APIs locally, and migrate it from end to end.

    Needs no account and no network. Both services' limits hold; their rate windows run faster by
    one factor, said on the screen. Real credentials in the environment are not used. The data
    folder's warehouse and ledger stay for you to query; an earlier demo there is replaced. The
    second act works on a copy (second_act in the data folder) and leaves the first as it was; so
    does --chaos (folder chaos), which ends with 70 if the killed load ends otherwise than the one
    that nobody killed, if the independent checker finds anything, or if the undo leaves anything.

    Example:

        aiq2pd demo --personas 1000
    """
    from migrate.demo import run_demo

    step = partial(run_demo, personas=personas, seed=seed, keep=keep, acts=acts, chaos=chaos)
    run("demo", step, as_json=as_json, debug=debug)
