"""Executes frozen plans against Pipedrive: HTTP, ids, limits, the ledger; nothing of the source."""
