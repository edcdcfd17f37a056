"""What to generate: how much, from which seed, up to which instant. Raises nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

UNTIL: Final = 1_782_864_000  # 2026-07-01T00:00:00Z: a fixed end, so that a seed gives one account
HISTORY_SECONDS: Final = 3 * 365 * 86_400
_FEW_AUDIENCES: Final = 12
_MANY_AUDIENCES: Final = 320  # more than 300, so that one contact can be in 300
_LARGE_ACCOUNT: Final = 5_000


def audiences_of(personas: int) -> int:
    """How many audiences an account of that size has unless told otherwise.

    Each costs an extraction at least one call, so a small account has few.
    """
    return _MANY_AUDIENCES if personas >= _LARGE_ACCOUNT else _FEW_AUDIENCES


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """One account. The same spec always gives the same account, byte for byte."""

    personas: int = 300
    seed: int = 7
    stores: int = 3
    audiences: int = _FEW_AUDIENCES
    until: int = UNTIL

    @property
    def uid(self) -> str:
        return str(4000 + self.seed % 6000)

    @property
    def api_key(self) -> str:
        return hashlib.sha256(f"alpine iq sandbox key {self.seed}".encode()).hexdigest()[:32]
