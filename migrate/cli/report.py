"""`aiq2pd report`: one page for people, one CSV for their work."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, run


def report(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Write the report: one HTML page that needs no network, and remediation.csv.

    Reads the warehouse, the ledger and the frozen plan; needs no credentials and calls nobody.
    Personal data is masked. The verdict comes first, each gate with its SQL.

    Example:

        aiq2pd report
    """
    from migrate.report import write_report

    run("report", write_report, as_json=as_json, debug=debug)
