-- Where an override says something else than list and look-up show: they should show
-- its values already, so nothing is taken from it but rewards.
-- One row per contact and what.

with

overrides as (select * from {{ ref('stg_alpine_iq__overrides') }}),

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

details as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

compared as (
    select
        overrides.contact_id,
        unnest([
            struct_pack(
                what := 'first_name',
                was_read := true,
                override_value := overrides.first_name,
                shown_value := contacts.first_name
            ),
            struct_pack(
                what := 'last_name',
                was_read := true,
                override_value := overrides.last_name,
                shown_value := contacts.last_name
            ),
            struct_pack(
                what := 'email',
                was_read := true,
                override_value := overrides.email,
                shown_value := contacts.email
            ),
            struct_pack(
                what := 'mobile_phone',
                was_read := true,
                override_value := overrides.mobile_phone,
                shown_value := contacts.mobile_phone
            ),
            struct_pack(
                what := 'home_phone',
                was_read := true,
                override_value := overrides.home_phone,
                shown_value := contacts.home_phone
            ),
            struct_pack(
                what := 'street',
                was_read := details.contact_id is not null,
                override_value := overrides.street,
                shown_value := details.street
            ),
            struct_pack(
                what := 'city',
                was_read := details.contact_id is not null,
                override_value := overrides.city,
                shown_value := details.city
            ),
            struct_pack(
                what := 'state',
                was_read := details.contact_id is not null,
                override_value := overrides.state,
                shown_value := details.state
            ),
            struct_pack(
                what := 'postal_code',
                was_read := details.contact_id is not null,
                override_value := overrides.postal_code,
                shown_value := details.postal_code
            ),
            struct_pack(
                what := 'country',
                was_read := details.contact_id is not null,
                override_value := overrides.country,
                shown_value := details.country
            ),
            struct_pack(
                what := 'birth_date_text',
                was_read := details.contact_id is not null,
                override_value := overrides.birth_date_text,
                shown_value := details.birth_date_text
            ),
            struct_pack(
                what := 'gender',
                was_read := details.contact_id is not null,
                override_value := overrides.gender,
                shown_value := details.gender
            ),
            struct_pack(
                what := 'medical_id',
                was_read := details.contact_id is not null,
                override_value := overrides.medical_id,
                shown_value := details.medical_id
            )
        ]) as compared
    from overrides
    inner join contacts
        on overrides.contact_id = contacts.contact_id
    left join details
        on overrides.contact_id = details.contact_id
    where overrides.has_override
),

rewards_compared as (
    select
        overrides.contact_id,
        overrides.names_rewards,
        {{ reward_overrides_text('overrides.reward_overrides') }} as override_value,
        {{ reward_overrides_text('details.reward_overrides') }} as shown_value
    from overrides
    inner join details
        on overrides.contact_id = details.contact_id
),

differences as (
    select
        contact_id,
        compared.what,
        'list or look-up' as taken_from,
        cast(null as varchar) as override_says,
        cast(null as varchar) as shown_says
    from compared
    where
        compared.was_read
        and compared.override_value is not null
        and compared.override_value is distinct from compared.shown_value
    union all
    select
        contact_id,
        'reward_overrides' as what,
        if(names_rewards, 'override', 'list or look-up') as taken_from,
        override_value as override_says,
        shown_value as shown_says
    from rewards_compared
    -- the look-up need not show rewards at all
    where
        shown_value is not null
        and shown_value is distinct from override_value
)

select * from differences
