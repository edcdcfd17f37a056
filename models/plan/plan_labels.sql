-- Labels that must exist before records load. One row per entity and label.

with

labels as (select * from {{ ref('mart_labels') }}),

codes as (
    select * from {{ ref('plan_codes_committed') }}
    where column_name = 'label_names'
),

coded as (
    select
        labels.entity,
        labels.label_name,
        labels.rank,
        coalesce(codes.committed_codes, []) as committed_codes
    from labels
    left join codes
        on
            labels.entity = codes.entity
            and labels.label_name = codes.option_label
)

select * from coded
