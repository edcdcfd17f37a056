-- Custom attributes of contacts, cleaned. One row per contact_id, key and value.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

attributes_unnested as (
    select
        contact_id,
        unnest(custom_attributes) as attribute
    from contacts
),

attributes_read as (
    select
        contact_id,
        {{ clean_text('attribute.key') }} as property_name,
        {{ clean_text('attribute.value') }} as property_value,
        {{ instant_or_null('attribute.ts') }} as stated_at
    from attributes_unnested
),

listed as (
    select
        contact_id,
        property_name,
        {{ case_folded('property_name') }} as folded_name,
        property_value,
        max(stated_at) as stated_at
    from attributes_read
    where property_name is not null and property_value is not null
    group by contact_id, property_name, folded_name, property_value
)

select * from listed
