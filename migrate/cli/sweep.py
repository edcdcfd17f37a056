"""`aiq2pd sweep`: settle what landed late."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def sweep(*, sandbox: OnSandbox = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """After a quiet time, look for writes that landed later than anybody may expect.

    A request whose answer was lost may still take effect. The closing sweep lists what is there,
    newest first, and proves that each record exists once. `verify` says provisional until it ran.

    Example:

        aiq2pd sweep
    """
    from migrate.steps import closing_sweep

    run_on_account("sweep", closing_sweep, as_json=as_json, debug=debug, sandbox=sandbox)
