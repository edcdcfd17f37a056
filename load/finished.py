"""Rows that the ledger already has as the plan wants them: a resumed run passes over them.

Only keys and hashes are read for that, so that finding 100,000 records done takes about a second.
What is passed over is a confirmed record whose payload hash is the plan's, and nothing else: every
other state is for the engine to judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any, Final

import pyarrow.parquet as pq

from load.ledger import records
from load.ledger.store import Ledger
from load.plan import ENTITY_TABLES, FrozenPlan

# below that a plan is read in less time than it takes to find out what of it is done
SMALLEST: Final = 1_000
_CHUNK: Final = 20_000
_LOOKED_AT: Final = ("source_key", "new_hash", "action", "take_ours")
_WRITING: Final = ("create", "update", "adopt")


def unfinished(
    plan: FrozenPlan,
    ledger: Ledger,
    entity: str,
    *,
    wave: int,
    planned: int,
    ahead: Set[str] = frozenset(),
) -> tuple[FrozenPlan, int]:
    """The plan without an entity's finished rows, and how many those are; without those `ahead`,
    which this run has counted already.

    The whole plan and 0 where less than half is finished: then reading it all costs less.
    """
    if planned < SMALLEST or not records.has_confirmed(ledger, entity):
        return plan, 0
    left: list[str] = []
    done = 0
    for batch in plan.batches(entity, _CHUNK, wave=wave, columns=_columns(plan, entity)):
        rows = batch.to_pylist()
        held = records.confirmed_hashes(ledger, [row["source_key"] for row in rows])
        for row in rows:
            key = row["source_key"]
            if key in ahead:
                continue
            if key in held and held[key] == row["new_hash"] and _is_settled_by_hash(row):
                done += 1
            else:
                left.append(key)
    if done < len(left):
        return plan, 0
    return replace(plan, only=frozenset(left)), done


def _columns(plan: FrozenPlan, entity: str) -> list[str]:
    """Plans of earlier versions have fewer."""
    there = pq.read_schema(plan.folder / f"{ENTITY_TABLES[entity]}.parquet").names
    return [name for name in _LOOKED_AT if name in there]


def _is_settled_by_hash(row: Mapping[str, Any]) -> bool:
    """Not planned away, and no column of it decided by a person."""
    return row["action"] in _WRITING and not row.get("take_ours")
