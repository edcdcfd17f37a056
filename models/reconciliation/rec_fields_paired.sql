-- Every field of every record that was found, and whether both sides hold the very
-- same value. One row per entity, source_key and column that has a value on either
-- side. Only values that differ are carried on: at 100,000 contacts the rest would fill
-- the memory.

with

planned as (
    select * from {{ ref('plan_records') }}
    where payload is not null
),

matched as (select * from {{ ref('rec_records_matched') }}),

destination_values as (select * from {{ ref('plan_destination_values') }}),

withdrawn as (select * from {{ ref('plan_withdrawn') }}),

source_unnested as (
    select
        matched.entity,
        matched.source_key,
        matched.pipedrive_id,
        unnest(map_entries(cast(planned.payload as map (varchar, json)))) as member
    from matched
    inner join planned
        on
            matched.entity = planned.entity
            and matched.source_key = planned.source_key
),

source_values as (
    select
        entity,
        source_key,
        pipedrive_id,
        member.key as column_name,
        member.value
    from source_unnested
    where
        member.value is not null
        and cast(member.value as varchar) not in ('""', '[]')
),

destination_matched as (
    select
        matched.entity,
        matched.source_key,
        matched.pipedrive_id,
        destination_values.column_name,
        destination_values.value
    from destination_values
    inner join matched
        on
            destination_values.entity = matched.entity
            and destination_values.pipedrive_id = matched.pipedrive_id
    left join withdrawn
        on
            matched.entity = withdrawn.entity
            and matched.source_key = withdrawn.source_key
    -- of a record that the source withdrew only the flag is ours to compare
    where
        withdrawn.source_key is null
        or json_exists(withdrawn.payload, '$.' || destination_values.column_name)
),

side_by_side as (
    select
        coalesce(source_values.entity, destination_matched.entity) as entity,
        coalesce(source_values.source_key, destination_matched.source_key)
            as source_key,
        coalesce(source_values.pipedrive_id, destination_matched.pipedrive_id)
            as pipedrive_id,
        coalesce(source_values.column_name, destination_matched.column_name)
            as column_name,
        (source_values.value is not distinct from destination_matched.value) as is_same,
        case when not is_same then source_values.value end as source_value,
        case when not is_same then destination_matched.value end as destination_value
    from source_values
    full outer join destination_matched
        on
            source_values.entity = destination_matched.entity
            and source_values.source_key = destination_matched.source_key
            and source_values.column_name = destination_matched.column_name
)

select * from side_by_side
