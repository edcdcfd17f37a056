"""A deal's value after its lines: read back a hundred deals at a time, compared with the plan's.

Lines change the value of their deal, by rules that the target does not state in full. The ledger
marks a deal as due when a line of it is confirmed, so that a killed run checks what it missed.
A difference is written down with the record and reported; nothing is corrected on its own.
"""

from __future__ import annotations

from typing import Any

from load.ledger import changes
from load.lists import by_ids
from load.payload import target_hash
from load.phases import PHASE_OF
from load.plan import PlanRow
from load.run import Run

_TOLERANCE = 0.005
_AT_ONCE = 100


async def check_values(run: Run, *, wave: int | None = None) -> None:
    """Compares the value of every deal whose lines were written since the last look."""
    due = changes.value_checks_due(run.ledger)
    if not due:
        return
    waiting: list[PlanRow] = []
    for batch in run.plan.rows("deal", 2000, wave=wave):
        waiting += [row for row in batch if row.source_key in due]
        while len(waiting) >= _AT_ONCE:
            await _check(run, waiting[:_AT_ONCE], due)
            waiting = waiting[_AT_ONCE:]
    if waiting:
        await _check(run, waiting, due)


async def _check(run: Run, rows: list[PlanRow], due: dict[str, int]) -> None:
    run.raise_if_stopped()
    shown = await by_ids(run.client, PHASE_OF["deal"], [due[row.source_key] for row in rows])
    with run.ledger.transaction():
        for row in rows:
            _compare(run, row, shown.get(due[row.source_key]))


def _compare(run: Run, row: PlanRow, deal: dict[str, Any] | None) -> None:
    if deal is None:
        run.count("deal", "conflict")
        changes.value_checked(run.ledger, row.source_key, "gone", "not in the list after its lines")
        return
    planned, found = row.payload.get("value"), float(deal.get("value") or 0)
    reason = None
    if planned is not None and abs(float(planned) - found) > _TOLERANCE:
        run.value_differences.append(row.source_key)
        reason = f"value: planned {float(planned):.2f}, {found:.2f} after its lines"
    changes.value_checked(
        run.ledger,
        row.source_key,
        "value differs" if reason else None,
        reason,
        # another sum than planned may be a person's doing: it is never taken for ours
        value_hash="" if reason else target_hash("value", deal.get("value"), salt=run.salt),
    )
