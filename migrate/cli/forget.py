"""`aiq2pd forget`: one person erased."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def forget(
    key: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            help="A source key, a link to a person in Pipedrive, or an e-mail address.",
        ),
    ],
    *,
    destination: Annotated[
        bool,
        typer.Option("--destination", help="Delete the person's records in Pipedrive as well."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be erased, place by place.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Erase one person from everything kept here, and prove it by the same search afterwards.

    Raw rows, models, plans, ledger and its backups, before-images, quarantine, reports and exports
    in the inbox; backups in AIQ2PD_BACKUP_DIR, and handover bundles, opened by AIQ2PD_HANDOVER_KEY;
    with --destination also the person, their deals, lines and notes in Pipedrive. Exit code 3: a
    copy or a record is left that you must see to; it is listed.
    Databases are rewritten, so that nothing stays in free space. Who comes back with a later
    extraction is erased again. No undo brings back. Can be killed: the same command goes on.

    Example:

        aiq2pd forget aiq:contact:0180b0741a847baa177ee56e6257f88d --dry-run
    """
    from migrate.forget import forget_person

    step = partial(
        forget_person,
        key=key,
        destination=destination,
        dry_run=dry_run,
        ask=None if yes else _asked,
    )
    run_on_account("forget", step, as_json=as_json, debug=debug, sandbox=sandbox)


def _asked(question: str) -> bool:
    return typer.confirm(f"\n{question}. Go on?", default=False, err=True)
