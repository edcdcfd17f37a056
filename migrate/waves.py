"""Waves: how far each one is, and the sign-off without which the next one does not load.

A sign-off is an event in the ledger's chain (wave, plan, name). Raises `ConfigError` when a wave is
not fit for it, or when a wave is to load before the one before it was signed off.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome, Table
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered
from migrate.summaries import open_warehouse

if TYPE_CHECKING:
    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from migrate.settings import Settings

EVENT: Final = "wave signed off"
STANDING: Final = """
select
    planned.wave,
    count(*) as records,
    count_if(id_map.state = 'confirmed') as confirmed,
    count_if(
        planned.action in ('create', 'adopt', 'update')
        and id_map.state is distinct from 'confirmed'
        or id_map.state in ('intent', 'ambiguous')
    ) as pending,
    count_if(missing.source_key is not null) as missing,
    count_if(differing.source_key is not null) as differing,
    sum(planned.token_cost)::bigint as tokens_to_come
from plan.plan_records as planned
left join ledger.id_map as id_map
    on planned.entity = id_map.entity and planned.source_key = id_map.source_key
left join (select distinct entity, source_key from reconciliation.rec_missing) as missing
    on planned.entity = missing.entity and planned.source_key = missing.source_key
left join (select distinct entity, source_key from reconciliation.rec_field_mismatches) as differing
    on planned.entity = differing.entity and planned.source_key = differing.source_key
group by planned.wave
order by planned.wave
"""


@remembered
def look_at_waves(
    settings: Settings, _progress: Progress, *, sign_off: int = 0, by: str = ""
) -> Outcome:
    """`aiq2pd waves`. Counts are those of the last plan and the last verify."""
    with open_warehouse(settings.places.warehouse) as warehouse:
        standing = warehouse.table("Waves", STANDING)
    with open_ledger(settings) as ledger:
        if sign_off:
            _check(standing, sign_off, by)
            ledger.event(EVENT, {"wave": sign_off, "by": by, "plan": _plan(settings).digest})
            publish_ledger(settings, ledger)
        signed = signed_off(ledger)
    rows = tuple((*row, signed.get(int(str(row[0])), "")) for row in standing.rows)
    is_done = bool(rows) and all(row[-1] for row in rows)
    return Outcome(
        "waves",
        f"wave {sign_off} is signed off by {by}" if sign_off else f"{len(rows)} waves",
        DONE if is_done or sign_off else NEEDS_A_HUMAN,
        tables=(Table("Waves", (*standing.columns, "signed off by"), rows),),
        notes=("A wave is taken back by: aiq2pd undo --wave N",),
    )


def _check(standing: Table, wave: int, by: str) -> None:
    if not by:
        raise ConfigError("--sign-off needs --by: the name of who looked at the wave")
    row = next((one for one in standing.records() if one["wave"] == wave), None)
    if row is None:
        raise ConfigError(f"there is no wave {wave} in the last plan")
    open_ends = {name: row[name] for name in ("pending", "missing", "differing") if row[name]}
    if open_ends:
        said = ", ".join(f"{count} {name}" for name, count in open_ends.items())
        raise ConfigError(
            f"wave {wave} can't be signed off: {said}. Load it, verify, decide what differs "
            "(seeds/decisions/field_decisions.csv), then sign off"
        )


def signed_off(ledger: Ledger) -> dict[int, str]:
    """Who signed which wave off."""
    rows = ledger.db.execute("select detail from events where what = ? order by seq", (EVENT,))
    details = [json.loads(row["detail"]) for row in rows]
    return {int(one["wave"]): str(one["by"]) for one in details}


def one_wave(plan: FrozenPlan, ledger: Ledger, wave: int) -> FrozenPlan:
    """The plan cut down to a wave whose predecessors are all signed off."""
    chosen, signed = plan.only_wave(wave), signed_off(ledger)
    if before := [each for each in plan.waves() if each < wave and each not in signed]:
        raise ConfigError(
            f"wave {before[0]} is not signed off: aiq2pd verify, look at it, then "
            f"aiq2pd waves --sign-off {before[0]} --by NAME"
        )
    return chosen


def _plan(settings: Settings) -> FrozenPlan:
    return frozen_plan(settings, "")
