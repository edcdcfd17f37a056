"""`aiq2pd drift`: what moves after the cutover."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def drift(*, sandbox: OnSandbox = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Report what was edited on the frozen source since, and in Pipedrive, by entity.

    Reads the source as a delta does, reads Pipedrive back, plans and compares; sends nothing.
    Exit codes: 0 the source stands still, 3 it does not.

    Example:

        aiq2pd drift
    """
    from migrate.drift import report_drift

    run_on_account("drift", report_drift, as_json=as_json, debug=debug, sandbox=sandbox)
