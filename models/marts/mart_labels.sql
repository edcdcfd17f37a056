-- Labels that must exist before persons load. One row per entity and label_name.

with

audiences as (select * from {{ ref('int_audiences_turned_into_labels') }}),

labelled as (
    select
        'person' as entity,
        label_name,
        cast(min(label_rank) as integer) as rank
    from audiences
    where is_label
    group by label_name
)

select * from labelled
