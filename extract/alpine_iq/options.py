"""What the operator chose for one extraction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from extract.alpine_iq.contacts import Paging
from load.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Options:
    """`sample` limits the calls per contact to so many contacts, the first in rank; `calls` limits
    them to so many in this process, and leaves the others to the next one. `timelines` and
    `overrides` add a call per contact each.
    """

    per_contact: bool = True
    sample: int | None = None
    calls: int | None = None
    accept_changes: bool = False
    paging: Paging | None = None
    inbox_headers: Path | None = None  # without it the inbox is not looked at
    delta: bool = False
    timelines: bool = False
    overrides: bool = False

    def check(self) -> None:
        """Raises `ConfigError` where `calls` would not do for a single contact."""
        each = 2 + self.timelines + self.overrides
        if self.calls is not None and self.calls < each:
            raise ConfigError(
                f"--calls {self.calls}: a contact takes up to {each} calls; allow at least so many"
            )
