-- What became of every eligible record. One row per entity. Eligible is counted in the
-- marts and quarantine; the rest in plan and ledger: nothing may fall between them.

with

eligible_keys as (
    select
        'organization' as entity,
        source_key
    from {{ ref('mart_organizations') }}
    union
    select
        'person' as entity,
        source_key
    from {{ ref('mart_persons') }}
    union
    select
        'person' as entity,
        source_key
    from {{ ref('quarantine_persons') }}
    union
    select
        'product' as entity,
        source_key
    from {{ ref('mart_products') }}
    union
    select
        'deal' as entity,
        source_key
    from {{ ref('mart_deals') }}
    union
    select
        'deal' as entity,
        source_key
    from {{ ref('quarantine_deals') }}
    union
    select
        'deal_product' as entity,
        source_key
    from {{ ref('mart_deal_products') }}
    union
    select
        'deal_product' as entity,
        source_key
    from {{ ref('quarantine_deal_products') }}
    union
    select
        'note' as entity,
        source_key
    from {{ ref('mart_notes') }}
    union
    select
        'activity' as entity,
        source_key
    from {{ ref('mart_activities') }}
    union
    select
        'file' as entity,
        source_key
    from {{ ref('mart_files') }}
    -- what the source gave once and we keep
    union
    select
        entity,
        source_key
    from {{ ref('plan_withdrawn') }}
),

planned as (select * from {{ ref('plan_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

attempts as (select * from {{ ref('stg_ledger__attempts') }}),

runs as (select * from {{ ref('stg_ledger__runs') }}),

last_apply as (
    select arg_max(run_id, started_at) as run_id
    from runs
    where kind = 'apply'
),

updates as (
    select distinct
        attempts.entity,
        attempts.source_key
    from attempts
    inner join last_apply
        on attempts.run_id = last_apply.run_id
    where attempts.verb = 'update' and attempts.outcome in ('ok', 'applied')
),

eligible_counted as (
    select
        entity,
        count(*) as eligible
    from eligible_keys
    group by entity
),

-- written in the last run of the loader, or before it and unchanged since
situated as (
    select
        planned.entity,
        planned.source_key,
        case
            when id_map.state = 'quarantined' then 'quarantined'
            when
                planned.action = 'quarantine'
                and (id_map.state is distinct from 'confirmed')
                then 'quarantined'
            when planned.action = 'conflict' or id_map.state = 'gone' then 'conflict'
            when id_map.state in ('intent', 'ambiguous') then 'pending'
            when id_map.state = 'confirmed' and planned.action = 'update' then 'pending'
            when id_map.state = 'confirmed' and updates.source_key is not null
                then 'updated'
            when
                id_map.state = 'confirmed'
                and (id_map.payload_hash is distinct from planned.new_hash)
                then 'skipped'
            when
                id_map.state = 'confirmed'
                and (id_map.run_id is distinct from last_apply.run_id)
                then 'unchanged'
            when id_map.state = 'confirmed' and id_map.origin = 'adopted' then 'adopted'
            when id_map.state = 'confirmed' then 'created'
            else 'pending'
        end as outcome
    from planned
    cross join last_apply
    left join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
    left join updates
        on
            planned.entity = updates.entity
            and planned.source_key = updates.source_key
),

counted as (
    select
        entity,
        count_if(outcome = 'created') as created,
        count_if(outcome = 'updated') as updated,
        count_if(outcome = 'unchanged') as unchanged,
        count_if(outcome = 'adopted') as adopted,
        count_if(outcome = 'conflict') as conflict,
        count_if(outcome = 'skipped') as skipped,
        count_if(outcome = 'quarantined') as quarantined,
        count_if(outcome = 'pending') as pending
    from situated
    group by entity
),

balanced as (
    select
        coalesce(eligible_counted.entity, counted.entity) as entity,
        coalesce(eligible_counted.eligible, 0) as eligible,
        coalesce(counted.created, 0) as created,
        coalesce(counted.updated, 0) as updated,
        coalesce(counted.unchanged, 0) as unchanged,
        coalesce(counted.adopted, 0) as adopted,
        coalesce(counted.conflict, 0) as conflict,
        coalesce(counted.skipped, 0) as skipped,
        coalesce(counted.quarantined, 0) as quarantined,
        coalesce(counted.pending, 0) as pending
    from eligible_counted
    full outer join counted
        on eligible_counted.entity = counted.entity
),

closed as (
    select
        entity,
        eligible,
        created,
        updated,
        unchanged,
        adopted,
        conflict,
        skipped,
        quarantined,
        pending,
        eligible - (
            created + updated + unchanged + adopted + conflict + skipped
            + quarantined + pending
        ) as unexplained
    from balanced
)

select * from closed
