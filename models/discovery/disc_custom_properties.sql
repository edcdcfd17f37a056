-- Custom properties found on contacts, with the type that would fit. One row per
-- property, case-folded.

with

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

measured as (
    select
        folded_name as property_name,
        min(property_name) as spelling,
        count(distinct property_name) as spelling_count,
        count(distinct contact_id) as contact_count,
        count(distinct property_value) as value_count,
        max(length(property_value)) as longest_value,
        bool_and(try_cast(property_value as double) is not null) as is_number,
        bool_and(try_cast(property_value as date) is not null) as is_date,
        bool_and(lower(property_value) in ('true', 'false', 'yes', 'no')) as is_truth
    from properties
    group by folded_name
),

proposed as (
    select
        property_name,
        spelling,
        spelling_count,
        contact_count,
        value_count,
        longest_value,
        case
            when is_truth then 'enum'
            when is_number then 'double'
            when is_date then 'date'
            when longest_value > 255 then 'text'
            when value_count <= 20 and contact_count >= 5 * value_count then 'enum'
            else 'varchar'
        end as proposed_type
    from measured
)

select * from proposed
