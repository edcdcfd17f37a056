"""`aiq2pd sandbox`: local servers that behave like both services, over real HTTP."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, flowing, run

app = typer.Typer(
    help="Local Alpine IQ and Pipedrive servers, to try everything with no account.\n\n"
    "Example:\n\n    aiq2pd sandbox up",
    no_args_is_help=True,
)

Personas = Annotated[int, typer.Option(min=1, help="How many people the account has.")]
Seed = Annotated[int, typer.Option(help="Another seed, another account.")]


def up(
    *,
    personas: Personas = 300,
    seed: Seed = 7,
    scale: Annotated[
        float, typer.Option(min=1, help="How much faster the rate windows run.")
    ] = 60.0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Start both servers on free ports of this machine; a state that exists is taken up again.

    Other commands find them by themselves as long as no credentials are set. To use the addresses
    and keys elsewhere: `aiq2pd sandbox status --json`.

    Example:

        aiq2pd sandbox up --personas 1000
    """
    from migrate.sandboxed import start

    step = partial(start, personas=personas, seed=seed, scale=scale)
    run("sandbox up", step, as_json=as_json, debug=debug)


def down(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Stop both servers; their state stays on disk.

    Example:

        aiq2pd sandbox down
    """
    from migrate.sandboxed import stop

    run("sandbox down", stop, as_json=as_json, debug=debug)


def status(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show the addresses, and the variables to set for using them from elsewhere.

    Example:

        aiq2pd sandbox status --json
    """
    from migrate.sandboxed import look

    run("sandbox status", look, as_json=as_json, debug=debug)


def generate(
    *, personas: Personas = 300, seed: Seed = 7, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Generate an account anew, dirt included, in place of the sandbox's present state.

    Example:

        aiq2pd sandbox generate --personas 5000 --seed 7
    """
    from migrate.sandboxed import generate_anew

    step = partial(generate_anew, personas=personas, seed=seed)
    run("sandbox generate", step, as_json=as_json, debug=debug)


for function in (up, down, status, generate):
    app.command(help=flowing(function.__doc__ or ""))(function)
