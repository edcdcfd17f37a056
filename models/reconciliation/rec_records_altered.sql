-- Records of ours that are there, but not in the state in which we left them: without
-- their migration key, or archived. One row per entity, source_key and problem.

with

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where state = 'confirmed' and entity not in ('pipeline', 'stage')
),

destination_records as (select * from {{ ref('plan_destination_records') }}),

planned_deals as (select * from {{ ref('plan_deals') }}),

found as (
    select
        id_map.entity,
        id_map.source_key,
        id_map.pipedrive_id,
        destination_records.source_key as key_there,
        destination_records.is_archived
        and coalesce(planned_deals.payload ->> 'is_archived', 'false') <> 'true'
            as is_archived_since
    from id_map
    inner join destination_records
        on
            id_map.entity = destination_records.entity
            and id_map.pipedrive_id = destination_records.pipedrive_id
    left join planned_deals
        on
            id_map.entity = planned_deals.entity
            and id_map.source_key = planned_deals.source_key
),

explained as (
    select
        entity,
        source_key,
        pipedrive_id,
        'migration key lost' as problem,
        'put the key back: without it a lost ledger can not find this record'
            as what_to_do
    from found
    where key_there is null
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        'archived' as problem,
        'bring it back if reports need it: the API can not change an archived record'
            as what_to_do
    from found
    where is_archived_since
)

select * from explained
