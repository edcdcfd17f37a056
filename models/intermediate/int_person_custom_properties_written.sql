-- Custom properties without a field of their own, one line of text each: those that
-- property_fields.csv leaves to the text, and values that a field could not take.
-- One row per source_key that has any.

with

properties as (select * from {{ ref('int_person_properties_chosen') }}),

written as (
    select
        source_key,
        string_agg(
            spelling || ': ' || property_value,
            chr(10)
            order by spelling asc, stated_at desc nulls last, property_value asc
        ) as custom_properties
    from properties
    where decision = 'text' or (decision = 'field' and not is_chosen)
    group by source_key
)

select * from written
