-- Loyalty points in total, in both places. One row per points column.

with

-- what the source gives no more has nothing to be compared with
withdrawn as (select * from {{ ref('plan_withdrawn') }}),

catalogue as (
    select * from {{ ref('fields') }}
    where
        entity = 'person'
        and field_type = 'double'
        and column_name like 'loyalty\_points%' escape '\'
),

persons as (
    select * from {{ ref('plan_persons') }}
    where
        payload is not null
        and action <> 'quarantine'
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where
        entity = 'person'
        and source_key is not null
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where entity = 'person'
),

source_points as (
    select
        catalogue.column_name,
        json_extract_string(persons.payload, '$.' || catalogue.column_name) as points
    from catalogue
    cross join persons
),

source_summed as (
    select
        column_name,
        count(points) as person_count,
        sum(try_cast(points as decimal(18, 2))) as points
    from source_points
    group by column_name
),

destination_summed as (
    select
        destination_values.column_name,
        count(*) as person_count,
        sum(try_cast(destination_values.value ->> '$' as decimal(18, 2))) as points
    from destination_values
    inner join destination_records
        on destination_values.pipedrive_id = destination_records.pipedrive_id
    inner join catalogue
        on destination_values.column_name = catalogue.column_name
    group by destination_values.column_name
),

compared as (
    select
        coalesce(source_summed.column_name, destination_summed.column_name)
            as column_name,
        coalesce(source_summed.person_count, 0) as source_persons,
        coalesce(destination_summed.person_count, 0) as destination_persons,
        coalesce(source_summed.points, 0) as source_points,
        coalesce(destination_summed.points, 0) as destination_points
    from source_summed
    full outer join destination_summed
        on source_summed.column_name = destination_summed.column_name
),

judged as (
    select
        column_name,
        source_persons,
        destination_persons,
        source_points,
        destination_points,
        destination_points - source_points as difference,
        source_points = destination_points as is_equal
    from compared
)

select * from judged
