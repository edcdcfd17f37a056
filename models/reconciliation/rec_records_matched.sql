-- Records of the plan that the read-back found: the one that the ledger names, else the
-- one that carries the key. One row per entity and source_key.

with

planned as (
    select * from {{ ref('plan_records') }}
    where payload is not null
),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

destination_records as (select * from {{ ref('plan_destination_records') }}),

records_by_key as (
    select
        entity,
        source_key,
        min(pipedrive_id) as pipedrive_id
    from destination_records
    where source_key is not null
    group by entity, source_key
),

-- adding lines changes the deal, and that is our own doing
last_write_to_lines as (
    select
        'deal' as entity,
        planned.payload ->> 'deal__source_key' as source_key,
        max(id_map.updated_at) as updated_at
    from planned
    inner join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
    where planned.entity = 'deal_product'
    group by planned.payload ->> 'deal__source_key'
),

matched as (
    select
        planned.entity,
        planned.source_key,
        coalesce(id_map.origin = 'adopted', false) as is_adopted,
        coalesce(by_id.pipedrive_id, records_by_key.pipedrive_id) as pipedrive_id,
        coalesce(
            coalesce(by_id.updated_at, by_key.updated_at)
            > greatest(id_map.updated_at, last_write_to_lines.updated_at)
            + interval 2 seconds,
            false
        ) as is_touched_since
    from planned
    left join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
    left join last_write_to_lines
        on
            planned.entity = last_write_to_lines.entity
            and planned.source_key = last_write_to_lines.source_key
    left join destination_records as by_id
        on
            id_map.entity = by_id.entity
            and id_map.pipedrive_id = by_id.pipedrive_id
    left join records_by_key
        on
            planned.entity = records_by_key.entity
            and planned.source_key = records_by_key.source_key
    left join destination_records as by_key
        on
            records_by_key.entity = by_key.entity
            and records_by_key.pipedrive_id = by_key.pipedrive_id
    where coalesce(by_id.pipedrive_id, records_by_key.pipedrive_id) is not null
)

select * from matched
