-- If this fails, the loader would wait for ever for a parent that nobody sends.

with

children as (
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_persons') }}
    where action in ('create', 'update', 'adopt')
    union all
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_deals') }}
    where action in ('create', 'update', 'adopt')
    union all
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_deal_products') }}
    where action in ('create', 'update', 'adopt')
    union all
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_notes') }}
    where action in ('create', 'update', 'adopt')
    union all
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_activities') }}
    where action in ('create', 'update', 'adopt')
    union all
    select
        entity,
        source_key,
        unnest(parents) as parent_key
    from {{ ref('plan_files') }}
    where action in ('create', 'update', 'adopt')
),

parents_to_come as (
    select source_key from {{ ref('plan_organizations') }}
    where action not in ('quarantine', 'waiting')
    union all
    select source_key from {{ ref('plan_persons') }}
    where action not in ('quarantine', 'waiting')
    union all
    select source_key from {{ ref('plan_products') }}
    where action not in ('quarantine', 'waiting')
    union all
    select source_key from {{ ref('plan_deals') }}
    where action not in ('quarantine', 'waiting')
    union all
    select source_key from {{ ref('plan_stages') }}
)

select
    children.entity,
    children.source_key,
    children.parent_key
from children
left join parents_to_come
    on children.parent_key = parents_to_come.source_key
where parents_to_come.source_key is null
