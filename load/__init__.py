"""Executes frozen plans against Pipedrive: HTTP, ids, limits and the ledger, nothing of the source."""
