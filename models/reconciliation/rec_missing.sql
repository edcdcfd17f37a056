-- Records that the ledger says are there and the last read-back didn't find.
-- One row per entity and source_key.

with

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where state = 'confirmed' and entity not in ('pipeline', 'stage')
),

destination_records as (select * from {{ ref('plan_destination_records') }}),

readbacks as (select * from {{ ref('stg_pipedrive__readbacks') }}),

last_readback as (
    select max(started_at) as started_at
    from readbacks
),

not_found as (
    select
        id_map.entity,
        id_map.source_key,
        id_map.pipedrive_id,
        'not in the destination' as problem,
        'if it was deleted on purpose, leave it; else restore it in Pipedrive within '
        || '30 days' as what_to_do,
        id_map.updated_at as confirmed_at
    from id_map
    cross join last_readback
    left join destination_records
        on
            id_map.entity = destination_records.entity
            and id_map.pipedrive_id = destination_records.pipedrive_id
    where
        destination_records.pipedrive_id is null
        -- what was written after the read-back began can't be missed by it
        and id_map.updated_at < last_readback.started_at
)

select * from not_found
