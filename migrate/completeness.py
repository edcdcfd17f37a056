"""Stops a plan that would be made of half a build.

`macros/nodes_begun.sql` keeps the table that is read here, for plain `dbt build` as for `aiq2pd`.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from load.errors import ConfigError
from load.warehouse import connect

NAMED_AT_MOST: Final = 5


def build_is_whole(warehouse: Path) -> None:
    """Raises `ConfigError` (exit 2) while a model, seed or test before the plan has not passed."""
    with closing(connect(warehouse, read_only=True)) as connection:
        unfinished = connection.execute(
            "select name, status from builds.unfinished_nodes where not is_of_reconciliation "
            "order by status = 'skipped', name"
        ).fetchall()
    if not unfinished:
        return
    told = ", ".join(f"{name} ({status})" for name, status in unfinished[:NAMED_AT_MOST])
    more = len(unfinished) - NAMED_AT_MOST
    raise ConfigError(
        f"the last build is not whole: {told}{f' and {more:,} more' if more > 0 else ''}. "
        "No plan was frozen. Mend what failed, run `aiq2pd build`, then `aiq2pd plan`; "
        "builds.unfinished_nodes lists them all"
    )
