"""What a change of the mapping does to the CRM: two revisions, one set of data, one comparison.

`revisions` knows git and the mapping's hash, `builds` builds both sides (the base once per commit
and data, the head by what changed), `compare` asks both warehouses, `outcome` says it, `review`
keeps it beside the code. Raises `ConfigError` for a revision or data that are not there, and when a
side does not build.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from migrate.diff.builds import Data, both_sides
from migrate.diff.compare import compare
from migrate.diff.outcome import as_outcome
from migrate.outcome import Outcome

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings


def diff(
    project: Path,
    settings: Settings,
    progress: Progress,
    *,
    base: str,
    head: str = "",
    data: Data,
) -> Outcome:
    """The effect of `head` (empty: the working tree) against `base` on the same landed data."""
    before, after = both_sides(project, settings, progress, base=base, head=head, data=data)
    return as_outcome(before, after, compare(before.warehouse, after.warehouse), data)
