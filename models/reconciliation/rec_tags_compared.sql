-- Which person has which audience on which side, as label or as option of the audience
-- field. One row per source_key, column and label.

with

persons as (
    select * from {{ ref('plan_records') }}
    where entity = 'person' and payload is not null and action <> 'quarantine'
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where entity = 'person' and source_key is not null
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where
        entity = 'person'
        and column_name in ('label_names', 'audience_list__c')
),

source_tags as (
    select
        source_key,
        'label_names' as column_name,
        unnest(cast(payload -> 'label_names' as varchar[])) as label
    from persons
    union all
    select
        source_key,
        'audience_list__c' as column_name,
        unnest(cast(payload -> 'audience_list__c' as varchar[])) as label
    from persons
),

destination_tags as (
    select
        destination_records.source_key,
        destination_values.column_name,
        unnest(cast(destination_values.value as varchar[])) as label
    from destination_values
    inner join destination_records
        on destination_values.pipedrive_id = destination_records.pipedrive_id
),

matched as (
    select distinct
        coalesce(source_tags.source_key, destination_tags.source_key) as source_key,
        coalesce(source_tags.column_name, destination_tags.column_name)
            as column_name,
        coalesce(source_tags.label, destination_tags.label) as label,
        source_tags.source_key is not null as is_in_source,
        destination_tags.source_key is not null as is_in_destination
    from source_tags
    full outer join destination_tags
        on
            source_tags.source_key = destination_tags.source_key
            and source_tags.column_name = destination_tags.column_name
            and source_tags.label = destination_tags.label
)

select * from matched
