"""`aiq2pd purge`: old or all data off this disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from migrate.cli.running import AsJson, Debug, run

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.outcome import Outcome


def purge(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="Such as 12h, 30d or 8w.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All but the ledger and its key.")
    ] = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="With --all: the ledger too. Ends undo and resume.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take personal data off this disk: what is old, or all of it. Shows it first and asks.

    --older-than takes superseded plans, ledger backups, before-images, reports, logs and exports;
    the raw tables and the newest plan stay. --all takes the whole data folder but the ledger, by
    which an undo still finds what was made. Both take this ledger's backups in AIQ2PD_BACKUP_DIR
    and handover bundles as well; exit code 3 lists those that can't be reached. Calls nobody, and
    leaves the sandbox's state alone.

    Example:

        aiq2pd purge --older-than 30d --dry-run
    """
    from migrate import places, settings
    from migrate.purge import Choice
    from migrate.purge import purge as purged

    def step(progress: Progress) -> Outcome:
        choice = Choice.of(older_than=older_than, everything=everything, ledger=ledger)
        return purged(
            progress,
            where=places.here(),
            choice=choice,
            backup_dir=settings.read().backup_dir,
            dry_run=dry_run,
            ask=None if yes else _asked,
        )

    run("purge", step, as_json=as_json, debug=debug)


def _asked(question: str) -> bool:
    return typer.confirm(f"\n{question} Go on?", default=False, err=True)
