-- People: contacts that are one human being, with the values that stand for them.
-- The surviving contact's value counts first, then the earliest other's.
-- One row per source_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

contacts as (select * from {{ ref('int_contacts_united') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

birth_dates as (select * from {{ ref('int_contact_birth_dates_checked') }}),

source_ids as (select * from {{ ref('int_contact_source_ids_collected') }}),

tiers as (select * from {{ ref('int_contact_tiers_assigned') }}),

contacts_ranked as (
    select
        contacts_matched.person_source_key as source_key,
        contacts_matched.person_contact_id,
        contacts.contact_id,
        row_number() over (
            partition by contacts_matched.person_source_key
            order by
                contacts.contact_id = contacts_matched.person_contact_id desc,
                contacts.inserted_at asc nulls last,
                contacts.contact_id asc
        ) as contact_rank,
        cleaned.full_name,
        cleaned.street,
        cleaned.city,
        cleaned.state,
        cleaned.postal_code,
        cleaned.country,
        cleaned.platform,
        cleaned.medical_id,
        cleaned.refer_code,
        cleaned.gender,
        contacts.favorite_store_id,
        contacts.favorite_store_name,
        contacts.reward_overrides,
        contacts.points_balance,
        contacts.points_used,
        contacts.points_lifetime,
        contacts.spent_amount,
        contacts.sales_count,
        contacts.is_suppressed,
        contacts.has_detail,
        contacts.is_loyalty_member,
        contacts.has_push_opt_in,
        contacts.has_browser_push_opt_in,
        contacts.has_voice_opt_in,
        contacts.has_wallet_pass,
        contacts.inserted_at,
        contacts.loyalty_signup_at,
        contacts.last_sale_at,
        contacts.points_read_at,
        contacts.points_detail_read_at,
        contacts.spent_read_at,
        contacts.fetched_at,
        birth_dates.birth_date,
        source_ids.first_source_id,
        source_ids.all_source_ids,
        tiers.tier_name,
        tiers.rule_name as tier_rule
    from contacts_matched
    inner join contacts
        on contacts_matched.contact_id = contacts.contact_id
    left join cleaned
        on contacts_matched.contact_id = cleaned.contact_id
    left join birth_dates
        on contacts_matched.contact_id = birth_dates.contact_id
    left join source_ids
        on contacts_matched.contact_id = source_ids.contact_id
    left join tiers
        on contacts_matched.contact_id = tiers.contact_id
),

merged as (
    select
        source_key,
        min(person_contact_id) as contact_id,
        count(*) as contact_count,
        arg_min(full_name, contact_rank) as full_name,
        -- an address is taken whole: its parts from two contacts are nobody's address
        arg_min(
            struct_pack(
                street := street,
                city := city,
                state := state,
                postal_code := postal_code,
                country := country
            ),
            contact_rank
        ) filter (
            where coalesce(street, city, state, postal_code) is not null
        ) as address,
        arg_min(platform, contact_rank) as platform,
        arg_min(medical_id, contact_rank) as medical_id,
        arg_min(refer_code, contact_rank) as refer_code,
        arg_min(gender, contact_rank) as gender,
        arg_min(favorite_store_id, contact_rank) as favorite_store_id,
        arg_min(favorite_store_name, contact_rank) as favorite_store_name,
        arg_min(birth_date, contact_rank) as birth_date,
        arg_min(first_source_id, contact_rank) as first_source_id,
        string_agg(all_source_ids, ' | ' order by contact_rank) as all_source_ids,
        arg_min(tier_name, contact_rank) as tier_name,
        arg_min(tier_rule, contact_rank)
        filter (where tier_name is not null) as tier_rule,
        flatten(list(reward_overrides order by contact_rank)) as reward_overrides,
        -- rule points_summed: the balances of merged contacts are one customer's points
        sum(points_balance) as points_balance,
        sum(points_used) as points_used,
        sum(points_lifetime) as points_lifetime,
        sum(spent_amount) as spent_amount,
        sum(sales_count) as sales_count,
        bool_or(is_suppressed) as is_suppressed,
        bool_and(has_detail) as has_detail,
        bool_or(is_loyalty_member) as is_loyalty_member,
        bool_or(has_push_opt_in) as has_push_opt_in,
        bool_or(has_browser_push_opt_in) as has_browser_push_opt_in,
        bool_or(has_voice_opt_in) as has_voice_opt_in,
        bool_or(has_wallet_pass) as has_wallet_pass,
        min(inserted_at) as inserted_at,
        min(loyalty_signup_at) as loyalty_signup_at,
        max(last_sale_at) as last_sale_at,
        -- a sum is as old as its oldest part
        min(points_read_at) as points_read_at,
        min(points_detail_read_at) as points_detail_read_at,
        min(spent_read_at) as spent_read_at,
        max(fetched_at) as fetched_at
    from contacts_ranked
    group by source_key
)

select * from merged
