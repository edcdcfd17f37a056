"""`aiq2pd estimate`: calls, tokens, days and hours, before anything is bought or started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.outcome import Outcome
    from migrate.settings import Settings


def estimate(
    *,
    contacts: Annotated[int | None, typer.Option(min=0, help="Contacts of the account.")] = None,
    orders: Annotated[int | None, typer.Option(min=0, help="Orders of all contacts.")] = None,
    lines: Annotated[float, typer.Option(min=0, help="Lines an order has on average.")] = 3.0,
    notes: Annotated[int, typer.Option(min=0, help="Orders that get an attribution note.")] = 0,
    plan: Annotated[
        str | None, typer.Option(help="lite, growth, premium or ultimate; default: the settings'.")
    ] = None,
    seats: Annotated[
        int | None, typer.Option(min=1, help="Paid seats; default: the settings'.")
    ] = None,
    seat_price: Annotated[
        float | None, typer.Option(min=0, help="What a seat costs a month, for the break-even.")
    ] = None,
    sandbox: OnSandbox = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Estimate a migration: calls, tokens, days by plan, seats and order strategy, extraction.

    With --contacts and --orders for an account that nobody has read yet; without them from the
    marts of this data folder, after `extract` and `build`. Calls nobody.

    Example:

        aiq2pd estimate --contacts 100000 --orders 300000 --lines 3 --plan growth --seats 5
    """

    def step(settings: Settings, progress: Progress) -> Outcome:
        from load.errors import ConfigError
        from migrate.estimate import estimate as estimated
        from migrate.estimate import with_plan
        from migrate.estimate.size import given

        if (contacts is None) != (orders is None):
            raise ConfigError("--contacts and --orders go together")
        size = (
            None
            if contacts is None or orders is None
            else given(contacts, orders, lines, notes=notes)
        )
        return estimated(
            with_plan(settings, plan, seats), progress, size=size, seat_price=seat_price
        )

    run_on_account("estimate", step, as_json=as_json, debug=debug, sandbox=sandbox)
