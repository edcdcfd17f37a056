-- Source against destination, by phase. One row per entity.

with

planned as (select * from {{ ref('plan_records') }}),

phases as (select * from {{ ref('rec_phase_counts') }}),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where source_key is not null
),

missing as (select * from {{ ref('rec_missing') }}),

extra as (select * from {{ ref('rec_extra') }}),

planned_counted as (
    select
        entity,
        count(*) as eligible,
        count_if(action = 'create') as to_create,
        count_if(action = 'update') as to_update,
        count_if(action = 'adopt') as to_adopt,
        count_if(action = 'skip') as to_skip,
        count_if(action = 'conflict') as conflict,
        count_if(action = 'waiting') as waiting
    from planned
    group by entity
),

destination_counted as (
    select
        entity,
        count(*) as record_count,
        count(distinct source_key) as key_count
    from destination_records
    group by entity
),

missing_counted as (
    select
        entity,
        count(*) as record_count
    from missing
    group by entity
),

extra_counted as (
    select
        entity,
        count(*) as record_count
    from extra
    group by entity
),

compared as (
    select
        phases.phase,
        phases.entity,
        planned_counted.eligible,
        phases.quarantined,
        planned_counted.eligible - phases.quarantined as expected,
        planned_counted.to_create,
        planned_counted.to_update,
        planned_counted.to_adopt,
        planned_counted.to_skip,
        planned_counted.conflict,
        planned_counted.waiting,
        phases.confirmed,
        phases.unsettled,
        phases.pending,
        coalesce(destination_counted.record_count, 0) as in_destination,
        coalesce(destination_counted.key_count, 0) as keys_in_destination,
        coalesce(missing_counted.record_count, 0) as missing,
        coalesce(extra_counted.record_count, 0) as extra,
        coalesce(destination_counted.record_count, 0)
        - (planned_counted.eligible - phases.quarantined) as difference
    from phases
    inner join planned_counted
        on phases.entity = planned_counted.entity
    left join destination_counted
        on phases.entity = destination_counted.entity
    left join missing_counted
        on phases.entity = missing_counted.entity
    left join extra_counted
        on phases.entity = extra_counted.entity
),

judged as (
    select
        phase,
        entity,
        eligible,
        quarantined,
        expected,
        to_create,
        to_update,
        to_adopt,
        to_skip,
        conflict,
        waiting,
        confirmed,
        unsettled,
        pending,
        in_destination,
        keys_in_destination,
        missing,
        extra,
        difference,
        difference = 0 and missing = 0 and extra = 0 as is_equal
    from compared
)

select * from judged
order by phase
