-- Keys that the ledger knows against those that the marts have now. One row per entity.

with

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where pipedrive_id is not null and state not in ('removed', 'gone')
),

planned as (select * from {{ ref('plan_records') }}),

aliases as (select * from {{ ref('int_key_aliases') }}),

entities as (select distinct planned.entity from planned),

known as (
    select
        id_map.entity,
        id_map.source_key,
        planned.source_key is null as has_vanished,
        -- two records that the ledger knows are one at the source since
        present.source_key is not null as is_merged_into_a_known_one
    from id_map
    inner join entities
        on id_map.entity = entities.entity
    left join planned
        on
            id_map.entity = planned.entity
            and id_map.source_key = planned.source_key
    left join aliases
        on
            id_map.entity = aliases.entity
            and id_map.source_key = aliases.former_key
    left join id_map as present
        on
            aliases.entity = present.entity
            and aliases.present_key = present.source_key
),

created as (
    select
        entity,
        count(*) as new_keys
    from planned
    where action = 'create'
    group by entity
),

-- marts that were built before the ledger was published have another key for a record
known_planned_as_new as (
    select
        planned.entity,
        count(distinct planned.source_key) as known_as_new
    from planned
    inner join aliases
        on
            planned.entity = aliases.entity
            and planned.source_key = aliases.present_key
    inner join id_map
        on
            aliases.entity = id_map.entity
            and aliases.former_key = id_map.source_key
    where planned.action = 'create'
    group by planned.entity
),

counted as (
    select
        entity,
        count(*) as known_keys,
        count(*) filter (where has_vanished and not is_merged_into_a_known_one)
            as vanished_keys,
        count(*) filter (where has_vanished and is_merged_into_a_known_one)
            as merged_keys
    from known
    group by entity
),

judged as (
    select
        counted.entity,
        counted.known_keys,
        counted.vanished_keys,
        counted.merged_keys,
        coalesce(created.new_keys, 0) as new_keys,
        coalesce(known_planned_as_new.known_as_new, 0) as known_as_new,
        (
            counted.vanished_keys > 0.005 * counted.known_keys
            and coalesce(created.new_keys, 0) > 0
        )
        or coalesce(known_planned_as_new.known_as_new, 0) > 0 as stops_the_plan
    from counted
    left join created
        on counted.entity = created.entity
    left join known_planned_as_new
        on counted.entity = known_planned_as_new.entity
)

select * from judged
