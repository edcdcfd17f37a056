-- Custom properties without a field of their own, one line of text each.
-- One row per source_key that has any.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

tier_rules as (select * from {{ ref('tier_rules') }}),

properties_of_persons as (
    select
        contacts_matched.person_source_key as source_key,
        properties.property_name,
        properties.property_value,
        max(properties.stated_at) as stated_at
    from properties
    inner join contacts_matched
        on properties.contact_id = contacts_matched.contact_id
    where
        properties.folded_name <> 'discount groups'
        and properties.folded_name not in (
            select {{ case_folded('tier_rules.attribute_key') }} from tier_rules
            where tier_rules.attribute_key is not null
        )
    group by source_key, properties.property_name, properties.property_value
),

written as (
    select
        source_key,
        string_agg(
            property_name || ': ' || property_value,
            chr(10)
            order by property_name asc, stated_at desc nulls last, property_value asc
        ) as custom_properties
    from properties_of_persons
    group by source_key
)

select * from written
