"""How long work reports itself. Implementations draw bars, print lines or stay silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Tasks have names; `total` is None when it can't be known beforehand."""

    def start(self, task: str, total: int | None) -> None:
        """A task begins."""

    def advance(self, task: str, n: int = 1, note: str = "") -> None:
        """`n` more units are done; `note` is shown beside the bar."""

    def finish(self, task: str) -> None:
        """The task has ended."""


class Silent:
    """Reports nothing."""

    def start(self, task: str, total: int | None) -> None:
        """Nothing to show."""

    def advance(self, task: str, n: int = 1, note: str = "") -> None:
        """Nothing to show."""

    def finish(self, task: str) -> None:
        """Nothing to show."""
