-- Options of option fields and labels. One row per entity, field code and option id.

with

fields as (select * from {{ ref('stg_pipedrive__fields') }}),

unnested as (
    select
        entity,
        field_code,
        field_name,
        unnest(options) as option
    from fields
),

typed as (
    select
        entity,
        field_code,
        field_name,
        option.id as option_id,
        trim(option.label) as option_label
    from unnested
)

select * from typed
