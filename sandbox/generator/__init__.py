"""Believable, dirty source accounts of cannabis retail, the same for the same seed."""

from __future__ import annotations

from sandbox.generator.account import Account, Bundle, build_account
from sandbox.generator.spec import AccountSpec, audiences_of

__all__ = ["Account", "AccountSpec", "Bundle", "audiences_of", "build_account"]
