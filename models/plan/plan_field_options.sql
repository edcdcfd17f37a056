-- Options that must exist before records load. One row per entity, column and label.

with

options as (select * from {{ ref('mart_field_options') }}),

codes as (
    select * from {{ ref('plan_codes_committed') }}
    where column_name <> 'label_names'
),

coded as (
    select
        options.entity,
        options.column_name,
        options.option_label,
        options.rank,
        coalesce(codes.committed_codes, []) as committed_codes
    from options
    left join codes
        on
            options.entity = codes.entity
            and options.column_name = codes.column_name
            and options.option_label = codes.option_label
)

select * from coded
