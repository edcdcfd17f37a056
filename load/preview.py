"""A dry run: what an apply would send, by plan and ledger. Reads only the target's fields."""

from __future__ import annotations

from load.ledger import records, retries
from load.phases import PHASES
from load.provision import list_fields, missing_fields
from load.run import Run

_BATCH = 480


async def preview(run: Run) -> None:
    """Counts `would create`, `would update` and the rest into the run, and writes nothing."""
    missing = missing_fields(run, await list_fields(run))
    if missing:
        run.count("field", "would create", len(missing))
    for phase in PHASES:
        for rows in run.plan.rows(phase.entity, _BATCH):
            known = records.fetch(run.ledger, [row.source_key for row in rows])
            for row in rows:
                record = known.get(row.source_key)
                run.count(phase.entity, would(row.action, row.new_hash, record))


def would(action: str, new_hash: str | None, record: records.Record | None) -> str:
    """What an apply would do with a row: `would ...`, or the state in which it stays."""
    if action not in ("create", "update", "adopt"):
        return action
    if record is None or record.state == "planned" or retries.may_try_again(record, new_hash):
        return f"would {action}"
    if record.state == "confirmed":
        return "unchanged" if record.payload_hash == new_hash else "would update"
    return "would settle" if record.state in ("intent", "ambiguous") else record.state
