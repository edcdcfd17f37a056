-- How many records have a value, by field, on both sides.
-- One row per entity and column. Unknown consent counts as no value.

with

-- what the source gives no more has nothing to be compared with
withdrawn as (select * from {{ ref('plan_withdrawn') }}),

planned as (
    select * from {{ ref('plan_records') }}
    where
        payload is not null
        and action <> 'quarantine'
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where
        source_key is not null
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_values as (select * from {{ ref('plan_destination_values') }}),

catalogue as (select * from {{ ref('fields') }}),

source_unnested as (
    select
        entity,
        unnest(map_entries(cast(payload as map (varchar, json)))) as member
    from planned
),

source_filled as (
    select
        entity,
        member.key as column_name,
        count(*) as record_count
    from source_unnested
    where
        member.value is not null
        and cast(member.value as varchar) not in ('""', '[]', '"Unknown"')
    group by entity, member.key
),

source_records as (
    select
        entity,
        count(*) as record_count
    from planned
    group by entity
),

destination_filled as (
    select
        destination_values.entity,
        destination_values.column_name,
        count(*) as record_count
    from destination_values
    inner join destination_records
        on
            destination_values.entity = destination_records.entity
            and destination_values.pipedrive_id = destination_records.pipedrive_id
    where cast(destination_values.value as varchar) <> '"Unknown"'
    group by destination_values.entity, destination_values.column_name
),

destination_counted as (
    select
        entity,
        count(*) as record_count
    from destination_records
    group by entity
),

compared as (
    select
        catalogue.entity,
        catalogue.column_name,
        catalogue.field_name,
        catalogue.kind = 'custom' as is_custom,
        catalogue.on_update,
        coalesce(source_records.record_count, 0) as source_records,
        coalesce(source_filled.record_count, 0) as source_filled,
        coalesce(destination_counted.record_count, 0) as destination_records,
        coalesce(destination_filled.record_count, 0) as destination_filled
    from catalogue
    left join source_records
        on catalogue.entity = source_records.entity
    left join source_filled
        on
            catalogue.entity = source_filled.entity
            and catalogue.column_name = source_filled.column_name
    left join destination_counted
        on catalogue.entity = destination_counted.entity
    left join destination_filled
        on
            catalogue.entity = destination_filled.entity
            and catalogue.column_name = destination_filled.column_name
),

rated as (
    select
        entity,
        column_name,
        field_name,
        is_custom,
        source_records,
        source_filled,
        round(source_filled / nullif(source_records, 0), 4) as source_rate,
        destination_records,
        destination_filled,
        round(destination_filled / nullif(destination_records, 0), 4)
            as destination_rate,
        destination_filled - source_filled as difference,
        -- where we claim nothing, defaults of the account count for nothing
        source_filled = destination_filled
        or (source_filled = 0 and on_update = 'fill_empty') as is_equal
    from compared
)

select * from rated
