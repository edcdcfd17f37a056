"""What to generate: how much, from which seed, up to which instant. Raises nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

UNTIL: Final = 1_782_864_000  # 2026-07-01T00:00:00Z: a fixed end, so that a seed gives one account
HISTORY_SECONDS: Final = 3 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """One account. The same spec always gives the same account, byte for byte."""

    personas: int = 300
    seed: int = 7
    stores: int = 3
    audiences: int = 12
    until: int = UNTIL

    @property
    def uid(self) -> str:
        return str(4000 + self.seed % 6000)

    @property
    def api_key(self) -> str:
        return hashlib.sha256(f"alpine iq sandbox key {self.seed}".encode()).hexdigest()[:32]
