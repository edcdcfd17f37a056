"""What the checker says: one broken promise, with the record it is about and no personal value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """`invariant` is I1 ... I15, `key` a source key or `id <n>`, `what` a sentence."""

    invariant: str
    entity: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.entity} {self.key}: {self.what}"
