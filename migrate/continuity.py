"""Stops a plan whose records have other keys than those that were loaded.

Raises `TargetChanged` (exit 4): nothing is frozen, the plan models stay to be looked at.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from load.errors import TargetChanged
from load.warehouse import connect


def keys_go_on(warehouse: Path) -> None:
    """Reads `plan.plan_key_continuity`."""
    with closing(connect(warehouse, read_only=True)) as connection:
        stopping = connection.execute(
            "select entity, known_keys, vanished_keys, new_keys, known_as_new "
            "from plan.plan_key_continuity where stops_the_plan order by entity"
        ).fetchall()
    if not stopping:
        return
    told = "; ".join(
        f"{entity}: {vanished:,} of {known:,} known keys are gone while {new:,} are new"
        if not again
        else f"{entity}: {again:,} records that the ledger knows would be created again"
        for entity, known, vanished, new, again in stopping
    )
    raise TargetChanged(
        f"{told}. No plan was frozen. Run `aiq2pd build` and `aiq2pd plan`; if it stays, look at "
        "plan.plan_key_continuity and intermediate.int_key_aliases for what changed the keys"
    )
