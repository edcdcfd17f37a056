-- Names, addresses and codes of contacts as people should see them.
-- One row per contact_id.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

genders as (select * from {{ ref('genders') }}),

placeholder_names as (
    select folded_value from {{ ref('placeholder_values') }}
    where kind = 'name'
),

spelled as (
    select
        contact_id,
        {{ clean_text('first_name') }} as first_name,
        {{ clean_text('last_name') }} as last_name,
        {{ clean_text('street') }} as street,
        {{ clean_text('city') }} as city,
        {{ clean_text('state') }} as state,
        {{ clean_text('postal_code') }} as postal_code,
        {{ clean_text('country') }} as country,
        {{ clean_text('platform') }} as platform,
        {{ clean_text('medical_id') }} as medical_id,
        {{ clean_text('refer_code') }} as refer_code,
        {{ case_folded('gender') }} as folded_gender
    from contacts
),

cleaned as (
    select
        spelled.contact_id,
        nullif(concat_ws(' ', spelled.first_name, spelled.last_name), '') as full_name,
        spelled.street,
        spelled.city,
        case
            when length(spelled.state) = 2 then upper(spelled.state) else spelled.state
        end as state,
        -- four digits are a US ZIP whose leading zero a spreadsheet ate
        case
            when
                regexp_matches(spelled.postal_code, '^[0-9]{4}$')
                and coalesce(lower(spelled.country), 'us')
                in ('us', 'usa', 'united states', 'united states of america')
                then '0' || spelled.postal_code
            else spelled.postal_code
        end as postal_code,
        case
            when
                lower(spelled.country)
                in ('us', 'usa', 'united states', 'united states of america')
                then 'US'
            when length(spelled.country) = 2 then upper(spelled.country)
            else spelled.country
        end as country,
        spelled.platform,
        spelled.medical_id,
        spelled.refer_code,
        genders.gender,
        spelled.folded_gender is not null
        and genders.gender is null
        and spelled.folded_gender
        not in ('', 'not specified', 'unknown', 'unspecified', 'n/a', 'na', 'none')
            as has_unlisted_gender,
        placeholder_names.folded_value is not null as is_placeholder
    from spelled
    left join genders
        on spelled.folded_gender = genders.raw_gender
    left join placeholder_names
        on
            {{ case_folded("concat_ws(' ', spelled.first_name, spelled.last_name)") }}
            = placeholder_names.folded_value
)

select * from cleaned
