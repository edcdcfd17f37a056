-- Records of the destination that carry a key of ours and should not be there, or not
-- twice. One row per entity and id in Pipedrive.

with

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where source_key is not null
),

planned as (select * from {{ ref('plan_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

traced as (
    select
        destination_records.entity,
        destination_records.source_key,
        destination_records.pipedrive_id,
        destination_records.records_with_this_key,
        planned.action,
        by_key.state,
        by_key.pipedrive_id as pipedrive_id_in_ledger,
        by_id.source_key as source_key_in_ledger
    from destination_records
    left join planned
        on
            destination_records.entity = planned.entity
            and destination_records.source_key = planned.source_key
    left join id_map as by_key
        on
            destination_records.entity = by_key.entity
            and destination_records.source_key = by_key.source_key
    left join id_map as by_id
        on
            destination_records.entity = by_id.entity
            and destination_records.pipedrive_id = by_id.pipedrive_id
),

judged as (
    select
        entity,
        source_key,
        pipedrive_id,
        case
            when source_key_in_ledger <> source_key
                then 'key of another record'
            when
                records_with_this_key > 1
                and (pipedrive_id is distinct from pipedrive_id_in_ledger)
                then 'key on several records'
            when action is null then 'key unknown to the source'
            when action = 'quarantine' then 'quarantined, and yet there'
            when
                state = 'confirmed'
                and (pipedrive_id is distinct from pipedrive_id_in_ledger)
                then 'not the record that the ledger names'
        end as problem
    from traced
),

explained as (
    select
        entity,
        source_key,
        pipedrive_id,
        problem,
        case problem
            when 'key of another record' then 'put its own key back'
            when 'key on several records'
                then 'keep the one that the ledger names, delete the other'
            when 'key unknown to the source'
                then 'the source no longer has it: archive or delete it by hand'
            when 'quarantined, and yet there'
                then 'settle the quarantine, then keep or delete the record'
            else 'find out which of the two records people use'
        end as what_to_do
    from judged
    where problem is not null
)

select * from explained
