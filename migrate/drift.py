"""What moves after the cutover: edits on the source that should stand still, and in Pipedrive.

Reads both sides and plans, and sends nothing: what it finds is for people to carry over or leave.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from migrate import steps
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome
from migrate.steps import remembered
from migrate.summaries import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from load.progress import Progress
    from migrate.settings import Settings

DRIFT: Final = """
select
    planned.entity,
    count_if(planned.action = 'create') as new_at_source,
    count_if(planned.action = 'update' and withdrawn.source_key is null) as changed_at_source,
    count_if(withdrawn.source_key is not null) as withdrawn_at_source,
    count_if(planned.action = 'conflict') as left_to_people,
    count_if(edited.source_key is not null) as edited_in_pipedrive
from plan.plan_records as planned
left join plan.plan_withdrawn as withdrawn
    on planned.entity = withdrawn.entity and planned.source_key = withdrawn.source_key
left join (
    select distinct entity, source_key from reconciliation.rec_field_mismatches
    where verdict in ('edited_since', 'extra', 'missing') or is_touched_since
) as edited
    on planned.entity = edited.entity and planned.source_key = edited.source_key
group by planned.entity
order by planned.entity
"""
FIELDS: Final = """
select entity, field, count(*) as records
from (
    select entity, unnest(changed_fields) as field
    from plan.plan_records
    where action = 'update'
)
group by all
order by all
"""
AT_SOURCE: Final = """
select coalesce(count(*), 0) from plan.plan_records
where action in ('create', 'update', 'conflict')
"""


@remembered
def report_drift(settings: Settings, progress: Progress) -> Outcome:
    """`aiq2pd drift`."""
    settings.pipedrive()
    for step in (
        partial(steps.extract_source, delta=True),
        steps.build_models,
        partial(steps.verify_target, read_back=True),
    ):
        step(settings, progress)
    return found_in(settings.places.warehouse)


def found_in(file: Path) -> Outcome:
    """What the warehouse, read and planned a moment ago, says has moved."""
    with open_warehouse(file) as warehouse:
        moved = warehouse.number(AT_SOURCE)
        tables = (
            warehouse.table("Drift by entity", DRIFT),
            warehouse.table("Fields that the source changed", FIELDS),
        )
    return Outcome(
        "drift",
        f"{moved:g} records would be written or decided: the source is not still"
        if moved
        else "the source stands still",
        NEEDS_A_HUMAN if moved else DONE,
        tables=tables,
        notes=("Nothing was sent. To carry it over: aiq2pd plan, aiq2pd apply",),
    )
