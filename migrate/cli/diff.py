"""`aiq2pd diff`: what a change of the mapping would do to the CRM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migrate.cli.running import AsJson, Debug, run_on_account

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.outcome import Outcome
    from migrate.settings import Settings


def diff(
    base: Annotated[str, typer.Argument(help="Revision to compare with, such as origin/main.")],
    head: Annotated[
        str, typer.Argument(help="Revision with the change; none: the working tree.")
    ] = "",
    *,
    data: Annotated[
        str,
        typer.Option(
            help="fixture: a generated account; local: this data folder's warehouse; "
            "or the path of a copy of a warehouse."
        ),
    ] = "fixture",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the Markdown here too; `<hash>` in the name becomes the mapping's hash."
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what a change of the mapping would do: fields, records, calls, tokens, days, consent.

    Builds both revisions of models and seeds on the same landed data and compares their plans. The
    base is kept per commit; of the head only what changed is built. Ends with 70 when anybody's
    consent would rise. Writes to no account and to no warehouse of yours.

    Example:

        aiq2pd diff origin/main --data local --out 'reviews/<hash>.md'
    """

    def step(settings: Settings, progress: Progress) -> Outcome:
        from migrate.diff import diff as compared
        from migrate.diff.data import chosen
        from migrate.diff.review import keep
        from migrate.places import project_dir

        outcome = compared(
            project_dir(),
            settings,
            progress,
            base=base,
            head=head,
            data=chosen(settings, progress, data),
        )
        if out is not None:
            keep(outcome, out)
        return outcome

    run_on_account(
        "diff", step, as_json=as_json, debug=debug, sandbox=False, as_markdown=not as_json
    )
