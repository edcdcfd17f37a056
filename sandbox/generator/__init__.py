"""Believable, dirty source accounts of cannabis retail, the same for the same seed."""

from __future__ import annotations

from sandbox.generator.account import Account, Bundle, build_account
from sandbox.generator.spec import AccountSpec

__all__ = ["Account", "AccountSpec", "Bundle", "build_account"]
