"""Erasing one subject from what the loader keeps: ledger and backups, frozen plans, the target.

A subject is a set of texts that stand for it (ids, keys, addresses), as one pattern (`Needles`).
What is meant by a subject, and which texts stand for it, is the caller's business.
"""
