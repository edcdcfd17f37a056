"""Does the account hold records with a key of ours that this ledger has never heard of?

A ledger brought back from an old backup, or carried to a second machine, knows nothing of what was
made since, and a load with it would make all of that once more. Ids only grow: what it misses is
among the newest. So one page of the newest is read (10 tokens) of each entity of which the plan
makes records and the ledger knows the field with the key. What stands in the ledger's `extras` is
left to those who review it.
"""

from __future__ import annotations

from collections import Counter

from load.ledger import records
from load.ledger.catalog import field_codes
from load.payload import KEY_COLUMN, Catalog
from load.phases import PHASES, Phase
from load.run import Run


async def unknown_keys(run: Run) -> str:
    """What is wrong and what to do; empty if the ledger knows all that it should."""
    catalog = Catalog(field_codes(run.ledger), {})
    found: Counter[str] = Counter()
    for phase in PHASES:
        makes = run.plan.manifest["counts"].get(phase.entity, {}).get("create")
        if makes and catalog.code(phase.entity, KEY_COLUMN):
            found[phase.entity] = await _unknown(run, phase, catalog)
    counts = ", ".join(f"{number} {entity}" for entity, number in found.items() if number)
    return counts and (
        f"of the newest records, {counts} carry keys that this ledger does not know: another ledger"
        " made them, and a load would make them again; bring the newest ledger back, or run"
        " `aiq2pd ledger rebuild` (of somebody forgotten here, delete what is left there)"
    )


async def _unknown(run: Run, phase: Phase, catalog: Catalog) -> int:
    answer = await run.client.call(
        "GET", phase.list_path, cost=phase.list_cost, params=phase.newest_first,
        entity=phase.entity,
    )  # fmt: skip
    listed = {
        int(one["id"]): key
        for one in answer.data or []
        if (key := phase.key_of(one, phase.entity, catalog)) is not None
    }
    known = records.fetch(run.ledger, list(dict.fromkeys(listed.values())))
    reviewed = records.extras_of(run.ledger, phase.entity)
    return sum(key not in known and one not in reviewed for one, key in listed.items())
