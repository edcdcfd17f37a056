"""`aiq2pd documents`: generated from the project, never written by hand."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, run


def documents(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Write the documents: data and order line dictionaries, what to rebuild by hand, push list.

    Made from the mapping, the warehouse and the ledger, as Markdown and HTML; needs no
    credentials and calls nobody.

    Example:

        aiq2pd documents
    """
    from migrate.documents import write_documents as write

    run("documents", write, as_json=as_json, debug=debug)
