-- How each field compares. One row per entity, column and verdict.

with

compared as (select * from {{ ref('rec_fields_compared') }}),

catalogue as (select * from {{ ref('fields') }}),

counted as (
    select
        entity,
        column_name,
        verdict,
        count(*) as record_count
    from compared
    group by entity, column_name, verdict
),

named as (
    select
        counted.entity,
        counted.column_name,
        catalogue.field_name,
        counted.verdict,
        counted.record_count,
        counted.verdict not in ('equal', 'normalised_equal', 'kept') as is_mismatch
    from counted
    left join catalogue
        on
            counted.entity = catalogue.entity
            and counted.column_name = catalogue.column_name
)

select * from named
