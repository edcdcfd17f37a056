-- Custom properties of people with the one value that stands, in the type of its field:
-- a value that can be read before one that can't, the latest stated, the surviving
-- contact's. One row per source_key, property_name and property_value; `is_chosen` on
-- one of them at most.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

decisions as (select * from {{ ref('property_fields') }}),

properties_of_persons as (
    select
        contacts_matched.person_source_key as source_key,
        properties.folded_name as property_name,
        min(properties.property_name) as spelling,
        properties.property_value,
        max(properties.stated_at) as stated_at,
        bool_or(contacts_matched.contact_id = contacts_matched.person_contact_id)
            as is_of_survivor
    from properties
    inner join contacts_matched
        on properties.contact_id = contacts_matched.contact_id
    group by source_key, properties.folded_name, properties.property_value
),

-- an option may be spelled in many ways: the commonest spelling names it
spellings_ranked as (
    select
        property_name,
        {{ case_folded('property_value') }} as folded_value,
        property_value
    from properties_of_persons
    group by property_name, folded_value, property_value
    qualify
        row_number() over (
            partition by property_name, {{ case_folded('property_value') }}
            order by count(*) desc, property_value asc
        ) = 1
),

values_typed as (
    select
        properties_of_persons.source_key,
        properties_of_persons.property_name,
        properties_of_persons.spelling,
        properties_of_persons.property_value,
        properties_of_persons.stated_at,
        properties_of_persons.is_of_survivor,
        coalesce(decisions.decision, 'undecided') as decision,
        decisions.column_name,
        case decisions.field_type
            when 'double'
                then cast(
                    try_cast(properties_of_persons.property_value as decimal(18, 4))
                    as varchar
                )
            when 'date'
                then cast(
                    try_cast(properties_of_persons.property_value as date) as varchar
                )
            when 'enum'
                then case
                    when
                        lower(properties_of_persons.property_value)
                        in ('true', 'yes', 'y', '1')
                        then 'Yes'
                    when
                        lower(properties_of_persons.property_value)
                        in ('false', 'no', 'n', '0')
                        then 'No'
                    else {{ within_length('spellings_ranked.property_value') }}
                end
            when 'varchar'
                then {{ within_length('properties_of_persons.property_value') }}
            when 'text' then properties_of_persons.property_value
        end as typed_value
    from properties_of_persons
    left join decisions
        on properties_of_persons.property_name = decisions.property_name
    left join spellings_ranked
        on
            properties_of_persons.property_name = spellings_ranked.property_name
            and {{ case_folded('properties_of_persons.property_value') }}
            = spellings_ranked.folded_value
),

chosen as (
    select
        source_key,
        property_name,
        spelling,
        property_value,
        stated_at,
        decision,
        column_name,
        typed_value,
        decision = 'field'
        and typed_value is not null
        and row_number() over (
            partition by source_key, property_name
            order by
                typed_value is null asc,
                stated_at desc nulls last,
                is_of_survivor desc,
                property_value asc
        ) = 1 as is_chosen
    from values_typed
)

select * from chosen
