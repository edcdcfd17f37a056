"""The command line: one file per command, each thin: parse, call one function, render its outcome.

Nothing heavy is imported here or by a command's module; what a command runs is imported when it
runs, so that `--help` and `status` answer at once.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

import typer

from migrate.cli import (
    apply,
    build,
    cutover,
    demo,
    diff,
    discover,
    doctor,
    documents,
    drift,
    estimate,
    extract,
    forget,
    handover,
    inbox,
    init,
    ledger,
    plan,
    preflight,
    probe,
    provision,
    purge,
    report,
    retry,
    review,
    sandbox,
    status,
    sweep,
    trace,
    undo,
    verify,
    waves,
)
from migrate.cli.running import flowing
from migrate.uncaught import quieten, told

INTRODUCTION = """Move a whole Alpine IQ account into Pipedrive: plan, apply, verify.

The order of a migration: doctor, extract, build, plan, apply, sweep, verify, report.
Each command works alone, can be stopped at any time and run again.
Accounts come from the environment, from .env and from account.toml.

Example, with no account at all:

    aiq2pd demo
"""

app = typer.Typer(
    name="aiq2pd",
    help=INTRODUCTION,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(inbox.app, name="inbox")
app.add_typer(ledger.app, name="ledger")
app.add_typer(review.app, name="review")
app.add_typer(handover.app, name="handover")
for command in (
    doctor,
    probe,
    extract,
    build,
    plan,
    provision,
    preflight,
    apply,
    retry,
    sweep,
    verify,
    undo,
    waves,
    cutover,
    drift,
    forget,
    purge,
    init,
    diff,
    estimate,
    discover,
    documents,
    trace,
    report,
    status,
    demo,
):
    name = command.__name__.rpartition(".")[2]
    function = getattr(command, name)
    app.command(name, help=flowing(function.__doc__ or ""))(function)


def main() -> None:
    """The entry point: files are private, and a polite kill ends as cleanly as Ctrl-C."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _as_interrupt)
    quieten()
    told(app)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
