-- Contacts that may load, list and look-up by id united. One row per contact_id.

with

classified as (
    select * from {{ ref('int_contacts_classified') }}
    where load_as <> 'none'
),

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

details_landed as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

-- a stub is a suppression record: no name, address or balance crosses with it
details as (
    select details_landed.*
    from details_landed
    inner join classified
        on details_landed.contact_id = classified.contact_id
    where classified.load_as = 'full'
),

hidden_in_full as (
    select hidden_contacts.*
    from hidden_contacts
    inner join classified
        on hidden_contacts.contact_id = classified.contact_id
    where classified.load_as = 'full' and classified.visibility = 'hidden'
),

-- the list is read whole and often, the look-up seldom: the list's value counts first
united as (
    select
        ---------- ids
        classified.contact_id,
        coalesce(contacts.source_id, details.source_id, hidden_in_full.source_id)
            as source_id,
        coalesce(
            contacts.favorite_store_id,
            details.favorite_store_id,
            hidden_in_full.favorite_store_id
        ) as favorite_store_id,
        details.medical_id,
        coalesce(details.source_ids, hidden_in_full.source_ids, []) as source_ids,

        ---------- text
        coalesce(contacts.first_name, details.first_name, hidden_in_full.first_name)
            as first_name,
        coalesce(contacts.last_name, details.last_name, hidden_in_full.last_name)
            as last_name,
        coalesce(contacts.email, details.email, hidden_in_full.email) as email,
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
        coalesce(details.custom_attributes, []) as custom_attributes,
        coalesce(details.reward_overrides, []) as reward_overrides,

        ---------- numbers
        coalesce(
            contacts.points_balance,
            details.points_balance,
            hidden_in_full.points_balance
        ) as points_balance,
        details.points_used,
        details.points_lifetime,
        details.spent_amount,
        details.sales_count,

        ---------- booleans
        classified.is_suppressed,
        details.contact_id is not null as has_detail,
        coalesce(
            contacts.is_loyalty_member,
            details.is_loyalty_member,
            hidden_in_full.is_loyalty_member
        ) as is_loyalty_member,
        details.has_push_opt_in,
        details.has_browser_push_opt_in,
        details.has_voice_opt_in,
        details.has_wallet_pass,

        ---------- timestamps
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
            as fetched_at
    from classified
    left join contacts
        on classified.contact_id = contacts.contact_id
    left join details
        on classified.contact_id = details.contact_id
    left join hidden_in_full
        on classified.contact_id = hidden_in_full.contact_id
)

select * from united
