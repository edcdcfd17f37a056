"""`aiq2pd discover`: generated from the project, never written by hand."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, run


def discover(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Write the scope document: volumes, fit, caps, fields with proposed lines, complexity.

    Made from what extract and build left in the warehouse, as Markdown and HTML; needs no
    credentials, calls nobody, shows no person.

    Example:

        aiq2pd discover
    """
    from migrate.documents import discover as write

    run("discover", write, as_json=as_json, debug=debug)
