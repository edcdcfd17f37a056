-- The five dimensions of acceptance. One row each; the verdict is what people read
-- first.

with

counts as (select * from {{ ref('rec_counts') }}),

population as (select * from {{ ref('rec_field_population') }}),

coverage as (select * from {{ ref('rec_tag_coverage') }}),

readbacks as (
    select count(*) as readback_count from {{ ref('stg_pipedrive__readbacks') }}
),

measured as (
    select
        1 as dimension_order,
        'person count' as dimension,
        expected as source_count,
        in_destination as destination_count,
        missing + extra as deviating
    from counts
    where entity = 'person'
    union all
    select
        2 as dimension_order,
        'organization count' as dimension,
        expected as source_count,
        in_destination as destination_count,
        missing + extra as deviating
    from counts
    where entity = 'organization'
    union all
    select
        3 as dimension_order,
        'deal count' as dimension,
        expected as source_count,
        in_destination as destination_count,
        missing + extra as deviating
    from counts
    where entity = 'deal'
    union all
    select
        4 as dimension_order,
        'field population' as dimension,
        cast(coalesce(sum(source_filled), 0) as bigint) as source_count,
        cast(
            coalesce(
                sum(destination_filled)
                filter (where source_filled > 0 or not is_equal),
                0
            ) as bigint
        ) as destination_count,
        count_if(not is_equal) as deviating
    from population
    where is_custom
    union all
    select
        5 as dimension_order,
        'tag coverage' as dimension,
        cast(coalesce(sum(source_members), 0) as bigint) as source_count,
        cast(coalesce(sum(members_on_both), 0) as bigint) as destination_count,
        count_if(members_without_it > 0) as deviating
    from coverage
),

judged as (
    select
        measured.dimension_order,
        measured.dimension,
        measured.source_count,
        measured.destination_count,
        measured.destination_count - measured.source_count as difference,
        measured.deviating,
        case
            when readbacks.readback_count = 0 then 'not read back'
            when
                measured.source_count = measured.destination_count
                and measured.deviating = 0
                then 'equal'
            else 'different'
        end as verdict
    from measured
    cross join readbacks
)

select * from judged
order by dimension_order
