{{ config(materialized='view') }}

-- How far each phase is, by what the loader published last: a view, so that it tells
-- the truth during a load with no build. One row per entity.

with

planned as (select * from {{ ref('plan_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

joined as (
    select
        planned.entity,
        planned.source_key,
        case
            when id_map.state = 'confirmed' then 'confirmed'
            when
                planned.action = 'quarantine' or id_map.state = 'quarantined'
                then 'quarantined'
            when planned.action = 'conflict' or id_map.state = 'gone' then 'conflict'
            when id_map.state in ('intent', 'ambiguous') then 'unsettled'
            else 'pending'
        end as situation,
        coalesce(
            id_map.state = 'confirmed'
            and (id_map.payload_hash is distinct from planned.new_hash),
            false
        ) as is_outdated
    from planned
    left join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
),

counted as (
    select
        case entity
            when 'organization' then 1
            when 'person' then 2
            when 'product' then 3
            when 'deal' then 4
            when 'deal_product' then 5
            when 'note' then 6
            when 'activity' then 7
            when 'file' then 8
        end as phase,
        entity,
        count(*) as eligible,
        count_if(situation = 'confirmed') as confirmed,
        count_if(is_outdated) as confirmed_but_outdated,
        count_if(situation = 'quarantined') as quarantined,
        count_if(situation = 'conflict') as conflict,
        count_if(situation = 'unsettled') as unsettled,
        count_if(situation = 'pending') as pending
    from joined
    group by entity
)

select * from counted
