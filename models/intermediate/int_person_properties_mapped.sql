-- Confirmed custom properties of each person: name to value, as text in the form of
-- its type, from which the mart takes them by name. One row per source_key.

with

properties as (
    select * from {{ ref('int_person_properties_chosen') }}
    where is_chosen
),

mapped as (
    select
        source_key,
        map(
            list(property_name order by property_name),
            list(typed_value order by property_name)
        ) as property_values
    from properties
    group by source_key
)

select * from mapped
