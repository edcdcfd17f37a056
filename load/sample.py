"""A small part of a plan for people to look at: one record of each kind, with its family.

Kinds are read from the frozen rows alone: each action and reason, each column filled and each left
empty, each option of a field of options. For every kind the record is taken that shows most rare
kinds at once; rare kinds come first, so that a small sample already holds the odd records. With
them go their parents, and of persons up to `DEALS_EACH` deals with all lines, notes and files, and
as many activities and files.
The same plan and number give the same sample. Raises `ConfigError` if the plan sends nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from load.errors import ConfigError
from load.plan import ENTITY_TABLES, FrozenPlan

DEALS_EACH: Final = 3
_CHOSEN: Final = """
with recursive
plan as ({every_row}),
chosen_from as (
    select * from plan
    where entity in ('person', 'deal') and action in ('create', 'update', 'adopt')
),
members as (
    select entity, source_key, action, coalesce(reason, '') as reason,
        unnest(json_keys(payload)) as column_name, payload
    from chosen_from
),
optioned as (select distinct entity, column_name, option_label from read_parquet(?)),
kinds as (
    select entity, source_key, action || ' ' || reason as kind from chosen_from
    union all
    select entity, source_key,
        column_name || if(json_type(payload -> column_name) = 'NULL', ' empty', ' filled')
    from members
    union all
    select members.entity, members.source_key, column_name || ' = ' || optioned.option_label
    from members
    inner join optioned using (entity, column_name)
    where (members.payload ->> column_name) = optioned.option_label
),
counted as (
    select entity, kind, count(*) as records from kinds group by entity, kind
),
scored as (
    select entity, source_key, sum(1.0 / records) as score
    from kinds inner join counted using (entity, kind)
    group by entity, source_key
),
shown as (
    select entity, kind, records,
        max_by(source_key, (score, md5(source_key))) as source_key
    from kinds
    inner join counted using (entity, kind)
    inner join scored using (entity, source_key)
    group by entity, kind, records
),
roots as (
    select entity, source_key, min(records) as rarest
    from shown group by entity, source_key
    order by rarest, md5(source_key)
    limit ?
),
links as (
    select entity, source_key, unnest(parents) as parent_key from plan
),
deals_of_persons as (
    select links.source_key from links
    inner join roots on links.parent_key = roots.source_key and roots.entity = 'person'
    where links.entity = 'deal'
    qualify row_number() over (
        partition by links.parent_key order by md5(links.source_key)
    ) <= {deals_each}
),
events_of_persons as (
    select links.source_key from links
    inner join roots on links.parent_key = roots.source_key and roots.entity = 'person'
    where links.entity in ('activity', 'file')
    qualify row_number() over (
        partition by links.entity, links.parent_key order by md5(links.source_key)
    ) <= {deals_each}
),
downwards as (
    select source_key from roots
    union
    select source_key from events_of_persons
    union
    select source_key from deals_of_persons
    union
    select links.source_key from links
    inner join (
        select source_key from roots where entity = 'deal'
        union all
        select source_key from deals_of_persons
    ) as deals on links.parent_key = deals.source_key
    where links.entity in ('deal_product', 'note', 'file')
),
family as (
    select source_key from downwards
    union
    select links.parent_key from family inner join links using (source_key)
)
select plan.entity, plan.action, plan.source_key,
    (select count(*) from shown) as kinds_there,
    (select count(*) from shown inner join roots using (entity, source_key)) as kinds_shown
from plan inner join family using (source_key)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A plan that holds the sample alone, and how many of the kinds there are it shows."""

    plan: FrozenPlan
    kinds_there: int
    kinds_shown: int

    @property
    def records(self) -> int:
        return len(self.plan.only or ())


def sample_of(plan: FrozenPlan, most: int) -> Sample:
    """Up to `most` records of their own, plus their families."""
    every_row = " union all ".join(
        "select entity, source_key, action, reason, payload, parents from"
        f" read_parquet('{_quoted(plan, table)}')"
        for table in ENTITY_TABLES.values()
    )
    with closing(duckdb.connect()) as connection:
        found = connection.execute(
            _CHOSEN.format(every_row=every_row, deals_each=DEALS_EACH),
            [str(plan.folder / "plan_field_options.parquet"), most],
        ).fetchall()
    if not found:
        raise ConfigError("the plan creates or changes no person and no deal: nothing to sample")
    counts: dict[str, dict[str, int]] = {}
    for entity, action, *_ in found:
        by_action = counts.setdefault(entity, {})
        by_action[action] = by_action.get(action, 0) + 1
    only = frozenset(str(row[2]) for row in found)
    part = replace(plan, manifest={**plan.manifest, "counts": counts}, only=only)
    return Sample(part, found[0][3], found[0][4])


def _quoted(plan: FrozenPlan, table: str) -> str:
    return str(plan.folder / f"{table}.parquet").replace("'", "''")
