"""How every command runs: progress on stderr, one outcome on stdout, one exit code."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from migrate.outcome import Outcome
from migrate.progress import shown_on

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show the traceback of a failure (it may hold personal data).", hidden=False
    ),
]
OnSandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        help="Work on the running sandbox even though credentials are set. "
        "Without credentials a running sandbox is used anyway.",
    ),
]


def flowing(text: str) -> str:
    """A docstring with each paragraph on one line, so that a terminal of any width wraps it."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(p if p.startswith(" ") else " ".join(p.split()) for p in paragraphs)


def run(
    command: str,
    step: Callable[[Progress], Outcome],
    *,
    as_json: bool,
    debug: bool,
    as_markdown: bool = False,
) -> NoReturn:
    """Run a step to its outcome, whatever happens, and leave with its code."""
    try:
        with shown_on(sys.stderr, quiet=as_json) as progress:
            outcome = step(progress)
        failed = False
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (explained, never swallowed)
        from migrate.failures import explain

        if debug:
            traceback.print_exc()
        failure = explain(error)
        outcome, failed = Outcome(command, failure.message, failure.exit_code), True
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), indent=2, default=str) + "\n")
    elif failed:
        sys.stderr.write(f"aiq2pd {command}: {outcome.headline}\n")
    elif as_markdown:
        from migrate.rendered import as_markdown as markdown

        sys.stdout.write(markdown(outcome))
    else:
        from migrate.cli.rendering import show

        show(outcome)
    raise typer.Exit(outcome.exit_code)


def run_on_account(
    command: str,
    step: Callable[[Settings, Progress], Outcome],
    *,
    as_json: bool,
    debug: bool,
    sandbox: bool,
    as_markdown: bool = False,
) -> NoReturn:
    """The same for a step that needs settings; says so when they are the sandbox's."""

    def with_settings(progress: Progress) -> Outcome:
        from migrate.account import in_force

        settings = in_force(force_sandbox=sandbox)
        if settings.on_sandbox:
            sys.stderr.write(
                f"on the sandbox in {settings.places.shown(settings.places.sandbox)}\n"
            )
        return step(settings, progress)

    run(command, with_settings, as_json=as_json, debug=debug, as_markdown=as_markdown)
