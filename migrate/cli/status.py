"""`aiq2pd status`: how far things are, at once, also while a load runs."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, run


def status(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show how far the migration is: steps, records by state, tokens spent today.

    Reads only the ledger (which may be in use) and small status files; calls nobody.

    Example:

        aiq2pd status --json
    """
    from migrate.status import read_status

    run("status", read_status, as_json=as_json, debug=debug)
