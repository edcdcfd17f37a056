-- Contacts that may load, API and exports united value by value. One row per
-- contact_id.

with

classified as (
    select * from {{ ref('int_contacts_classified') }}
    where load_as <> 'none'
),

contacts_listed as (select * from {{ ref('stg_alpine_iq__contacts') }}),

details_landed as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

overrides_landed as (select * from {{ ref('stg_alpine_iq__overrides') }}),

personas_landed as (select * from {{ ref('stg_alpine_iq__export_personas') }}),

hidden_landed as (
    select * from {{ ref('stg_alpine_iq__export_hidden_contacts') }}
),

-- a stub is a suppression record: no name, address or balance crosses with it. Chosen
-- here, not in the joins below: a left join with a condition on its left side compares
-- every contact with every other
contacts as (
    select contacts_listed.*
    from contacts_listed
    inner join classified
        on contacts_listed.contact_id = classified.contact_id
    where classified.load_as = 'full'
),

details as (
    select details_landed.*
    from details_landed
    inner join classified
        on details_landed.contact_id = classified.contact_id
    where classified.load_as = 'full'
),

-- only rewards are taken: list and look-up show an override's values already
overrides as (
    select overrides_landed.*
    from overrides_landed
    inner join classified
        on overrides_landed.contact_id = classified.contact_id
    where
        classified.load_as = 'full'
        and coalesce(overrides_landed.answered_contact_id, classified.contact_id)
        = classified.contact_id
),

hidden_in_full as (
    select hidden_contacts.*
    from hidden_contacts
    inner join classified
        on hidden_contacts.contact_id = classified.contact_id
    where classified.load_as = 'full' and classified.visibility = 'hidden'
),

personas_exported as (
    select personas_landed.*
    from personas_landed
    inner join classified
        on personas_landed.contact_id = classified.contact_id
    where classified.load_as = 'full'
),

hidden_exported as (
    select hidden_landed.*
    from hidden_landed
    inner join classified
        on hidden_landed.contact_id = classified.contact_id
    where classified.load_as = 'full' and classified.visibility = 'hidden'
),

-- the list is read whole and often, the look-up seldom: the list's value counts first
api as (
    select
        classified.contact_id,
        coalesce(contacts.source_id, details.source_id, hidden_in_full.source_id)
            as source_id,
        coalesce(
            contacts.favorite_store_id,
            details.favorite_store_id,
            hidden_in_full.favorite_store_id
        ) as favorite_store_id,
        details.medical_id,
        nullif(coalesce(details.source_ids, hidden_in_full.source_ids), [])
            as source_ids,
        coalesce(contacts.first_name, details.first_name, hidden_in_full.first_name)
            as first_name,
        coalesce(contacts.last_name, details.last_name, hidden_in_full.last_name)
            as last_name,
        coalesce(contacts.email, details.email, hidden_in_full.email)
            as email,
        coalesce(
            contacts.mobile_phone, details.mobile_phone, hidden_in_full.mobile_phone
        ) as mobile_phone,
        coalesce(contacts.home_phone, details.home_phone, hidden_in_full.home_phone)
            as home_phone,
        coalesce(contacts.platform, details.platform, hidden_in_full.platform)
            as platform,
        details.favorite_store_name,
        details.street,
        details.city,
        details.state,
        details.postal_code,
        details.country,
        details.birth_date_text,
        details.gender,
        details.tier_name,
        details.refer_code,
        nullif(details.custom_attributes, []) as custom_attributes,
        if(
            overrides.names_rewards,
            overrides.reward_overrides,
            details.reward_overrides
        ) as reward_overrides,
        case
            when overrides.names_rewards
                then 'override'
            when len(details.reward_overrides) = 0 then null
            when overrides.contact_id is not null then 'detail_as_override_is_silent'
            when details.contact_id is not null then 'detail'
        end as reward_override_rule,
        coalesce(
            contacts.points_balance,
            details.points_balance,
            hidden_in_full.points_balance
        ) as points_balance,
        details.points_used,
        details.points_lifetime,
        details.spent_amount,
        details.sales_count,
        coalesce(
            contacts.is_loyalty_member,
            details.is_loyalty_member,
            hidden_in_full.is_loyalty_member
        ) as is_loyalty_member,
        details.has_push_opt_in,
        details.has_browser_push_opt_in,
        details.has_voice_opt_in,
        details.has_wallet_pass,
        coalesce(contacts.inserted_at, details.inserted_at, hidden_in_full.inserted_at)
            as inserted_at,
        coalesce(
            contacts.loyalty_signup_at,
            details.loyalty_signup_at,
            hidden_in_full.loyalty_signup_at
        ) as loyalty_signup_at,
        details.last_sale_at,
        case
            when contacts.points_balance is not null then contacts.fetched_at
            when details.points_balance is not null then details.fetched_at
            when hidden_in_full.points_balance is not null
                then hidden_in_full.fetched_at
        end as points_read_at,
        coalesce(contacts.fetched_at, details.fetched_at, hidden_in_full.fetched_at)
            as fetched_at,
        details.fetched_at as detail_fetched_at
    from classified
    left join contacts
        on classified.contact_id = contacts.contact_id
    left join details
        on classified.contact_id = details.contact_id
    left join overrides
        on classified.contact_id = overrides.contact_id
    left join hidden_in_full
        on classified.contact_id = hidden_in_full.contact_id
),

exported as (
    select
        classified.contact_id,
        coalesce(personas_exported.medical_id, hidden_exported.medical_id)
            as medical_id,
        coalesce(personas_exported.first_name, hidden_exported.first_name)
            as first_name,
        coalesce(personas_exported.last_name, hidden_exported.last_name)
            as last_name,
        coalesce(personas_exported.email, hidden_exported.email)
            as email,
        coalesce(personas_exported.mobile_phone, hidden_exported.mobile_phone)
            as mobile_phone,
        coalesce(personas_exported.home_phone, hidden_exported.home_phone)
            as home_phone,
        coalesce(personas_exported.platform, hidden_exported.platform)
            as platform,
        coalesce(
            personas_exported.favorite_store_name, hidden_exported.favorite_store_name
        ) as favorite_store_name,
        coalesce(personas_exported.street, hidden_exported.street)
            as street,
        coalesce(personas_exported.city, hidden_exported.city)
            as city,
        coalesce(personas_exported.state, hidden_exported.state)
            as state,
        coalesce(personas_exported.postal_code, hidden_exported.postal_code)
            as postal_code,
        coalesce(personas_exported.country, hidden_exported.country)
            as country,
        coalesce(personas_exported.birth_date_text, hidden_exported.birth_date_text)
            as birth_date_text,
        coalesce(personas_exported.gender, hidden_exported.gender)
            as gender,
        coalesce(personas_exported.points_balance, hidden_exported.points_balance)
            as points_balance,
        coalesce(personas_exported.spent_amount, hidden_exported.spent_amount)
            as spent_amount,
        coalesce(personas_exported.sales_count, hidden_exported.sales_count)
            as sales_count,
        coalesce(personas_exported.is_loyalty_member, hidden_exported.is_loyalty_member)
            as is_loyalty_member,
        coalesce(personas_exported.inserted_at, hidden_exported.inserted_at)
            as inserted_at,
        coalesce(personas_exported.loyalty_signup_at, hidden_exported.loyalty_signup_at)
            as loyalty_signup_at,
        nullif(
            coalesce(personas_exported.source_ids, hidden_exported.source_ids), []
        ) as source_ids,
        nullif(personas_exported.custom_attributes, []) as custom_attributes,
        coalesce(personas_exported.fetched_at, hidden_exported.fetched_at)
            as fetched_at
    from classified
    left join personas_exported
        on classified.contact_id = personas_exported.contact_id
    left join hidden_exported
        on classified.contact_id = hidden_exported.contact_id
),

compared as (
    select
        classified.contact_id,
        coalesce(exported.fetched_at > api.fetched_at, false) as is_newer_than_api,
        -- what only the look-up by id says is as old as the look-up
        coalesce(exported.fetched_at > api.detail_fetched_at, false)
            as is_newer_than_detail
    from classified
    left join api
        on classified.contact_id = api.contact_id
    left join exported
        on classified.contact_id = exported.contact_id
),

united as (
    select
        ---------- ids
        classified.contact_id,
        api.source_id,
        api.favorite_store_id,
        {{ of_lanes('medical_id', 'detail') }} as medical_id,
        coalesce({{ of_lanes('source_ids', 'detail') }}, [])
            as source_ids,

        ---------- text
        {{ of_lanes('first_name') }} as first_name,
        {{ of_lanes('last_name') }} as last_name,
        {{ of_lanes('email') }} as email,
        {{ of_lanes('mobile_phone') }} as mobile_phone,
        {{ of_lanes('home_phone') }} as home_phone,
        {{ of_lanes('platform') }} as platform,
        {{ of_lanes('favorite_store_name', 'detail') }}
            as favorite_store_name,
        {{ of_lanes('street', 'detail') }} as street,
        {{ of_lanes('city', 'detail') }} as city,
        {{ of_lanes('state', 'detail') }} as state,
        {{ of_lanes('postal_code', 'detail') }} as postal_code,
        {{ of_lanes('country', 'detail') }} as country,
        {{ of_lanes('birth_date_text', 'detail') }}
            as birth_date_text,
        {{ of_lanes('gender', 'detail') }} as gender,
        api.tier_name,
        api.refer_code,
        coalesce({{ of_lanes('custom_attributes', 'detail') }}, [])
            as custom_attributes,
        coalesce(api.reward_overrides, []) as reward_overrides,
        api.reward_override_rule,

        ---------- numbers
        {{ of_lanes('points_balance') }} as points_balance,
        api.points_used,
        api.points_lifetime,
        {{ of_lanes('spent_amount', 'detail') }} as spent_amount,
        {{ of_lanes('sales_count', 'detail') }} as sales_count,

        ---------- booleans
        classified.is_suppressed,
        api.detail_fetched_at is not null as has_detail,
        {{ of_lanes('is_loyalty_member') }} as is_loyalty_member,
        api.has_push_opt_in,
        api.has_browser_push_opt_in,
        api.has_voice_opt_in,
        api.has_wallet_pass,

        ---------- timestamps
        {{ of_lanes('inserted_at') }} as inserted_at,
        {{ of_lanes('loyalty_signup_at') }} as loyalty_signup_at,
        api.last_sale_at,
        case {{ lane_of('points_balance') }}
            when 'api' then api.points_read_at
            when 'export' then exported.fetched_at
        end as points_read_at,
        -- only the look-up by id tells them
        case
            when coalesce(api.points_used, api.points_lifetime) is not null
                then api.detail_fetched_at
        end as points_detail_read_at,
        case {{ lane_of('spent_amount', 'detail') }}
            when 'api' then api.detail_fetched_at
            when 'export' then exported.fetched_at
        end as spent_read_at,
        greatest(api.fetched_at, exported.fetched_at) as fetched_at,

        ---------- which lane gave which value
        struct_pack(
            medical_id := {{ lane_of('medical_id', 'detail') }},
            source_ids := {{ lane_of('source_ids', 'detail') }},
            first_name := {{ lane_of('first_name') }},
            last_name := {{ lane_of('last_name') }},
            email := {{ lane_of('email') }},
            mobile_phone := {{ lane_of('mobile_phone') }},
            home_phone := {{ lane_of('home_phone') }},
            platform := {{ lane_of('platform') }},
            favorite_store_name := {{ lane_of('favorite_store_name', 'detail') }},
            street := {{ lane_of('street', 'detail') }},
            city := {{ lane_of('city', 'detail') }},
            state := {{ lane_of('state', 'detail') }},
            postal_code := {{ lane_of('postal_code', 'detail') }},
            country := {{ lane_of('country', 'detail') }},
            birth_date_text := {{ lane_of('birth_date_text', 'detail') }},
            gender := {{ lane_of('gender', 'detail') }},
            custom_attributes := {{ lane_of('custom_attributes', 'detail') }},
            points_balance := {{ lane_of('points_balance') }},
            spent_amount := {{ lane_of('spent_amount', 'detail') }},
            sales_count := {{ lane_of('sales_count', 'detail') }},
            is_loyalty_member := {{ lane_of('is_loyalty_member') }},
            inserted_at := {{ lane_of('inserted_at') }},
            loyalty_signup_at := {{ lane_of('loyalty_signup_at') }}
        ) as lanes
    from classified
    left join compared
        on classified.contact_id = compared.contact_id
    left join api
        on classified.contact_id = api.contact_id
    left join exported
        on classified.contact_id = exported.contact_id
)

select * from united
