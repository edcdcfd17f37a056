"""`aiq2pd extract`: read the Alpine IQ account into the warehouse."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def extract(
    *,
    per_contact: Annotated[
        bool,
        typer.Option(
            "--per-contact/--lists-only",
            help="Also make the calls that cost one per contact (details, orders).",
        ),
    ] = True,
    delta: Annotated[
        bool,
        typer.Option(
            "--delta",
            help="Ask one by one only for contacts that changed since they were last asked for, "
            "and for a twentieth of the others.",
        ),
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes",
            help="Land a list that lost over 5 % of its contacts, or all its points.",
        ),
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            help="Ask one by one only for so many contacts, the newest and most valuable; hidden "
            "contacts are not looked for. To try the rest of the way in minutes.",
        ),
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(
            "--calls",
            min=2,
            help="Make at most so many calls one by one in this go, then stop cleanly (exit 75); "
            "the next go takes the rest. To spread a large account over days.",
        ),
    ] = None,
    timelines: Annotated[
        bool | None,
        typer.Option(
            "--timelines/--no-timelines",
            help="Also ask for the changes of points of each contact that may have had some: a "
            "call each. Not said: AIQ2PD_POINTS_TIMELINES, which is off.",
            show_default=False,
        ),
    ] = None,
    overrides: Annotated[
        bool | None,
        typer.Option(
            "--overrides/--no-overrides",
            help="Also ask for rewards and values set by hand: a call for each contact. Not said: "
            "AIQ2PD_OVERRIDES, which is off.",
            show_default=False,
        ),
    ] = None,
    exports_only: Annotated[
        bool,
        typer.Option("--exports-only", help="Land the files in the inbox and make no call at all."),
    ] = False,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read the whole Alpine IQ account into schema raw_alpine_iq of the warehouse.

    Only reads. Keeps to the service's three rate limits, also across restarts. Stopped at any
    moment, it goes on where it was. Says before the calls per contact how many there will be, why
    and how long they take at the limits; then how many are left.

    With --delta the lists are read whole and compared, histories since the last run and 48 hours
    before it (conversions 15 days). What the list does not show, such as an address or an order
    without points, is found by the twentieth that is asked for anyway, or by a run without --delta:
    make the last one before cutover such a run.

    Contacts are asked for one by one newest month first, within it those with most points. Of whom
    something waits, intermediate.int_contact_detail_states_derived tells; the plan holds such
    persons back, so that nobody is written twice, unless policies.csv waives it.

    What --timelines and --overrides would take stands in the plan of the calls while they are off.
    Both come with the contact's other calls, in the same order, and are optional: an account that
    lacks them shows it after ten contacts, as a gap.

    Exports in the folder inbox of the data folder are landed first; calls that they answer are not
    made. See `aiq2pd inbox check`.

    Example:

        aiq2pd extract
    """
    from migrate.steps import extract_source

    step = partial(
        extract_source,
        per_contact=per_contact,
        sample=sample,
        calls=calls,
        exports_only=exports_only,
        delta=delta,
        timelines=timelines,
        overrides=overrides,
        accept_changes=accept_changes,
    )
    run_on_account("extract", step, as_json=as_json, debug=debug, sandbox=sandbox)
