-- People as Pipedrive will hold them. One row per source_key.

with

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

addresses as (select * from {{ ref('int_person_addresses_collected') }}),

home_stores as (select * from {{ ref('int_person_home_stores_chosen') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

consents as (select * from {{ ref('int_person_consents_resolved') }}),

audiences as (select * from {{ ref('int_person_audiences_collected') }}),

discounts as (select * from {{ ref('int_person_discounts_collected') }}),

order_sums as (select * from {{ ref('int_person_orders_summed') }}),

properties as (select * from {{ ref('int_person_properties_mapped') }}),

property_texts as (select * from {{ ref('int_person_custom_properties_written') }}),

programs as (select * from {{ ref('int_loyalty_program_united') }}),

-- a suppressed person is in no segment that somebody might write to
segments_allowed as (
    select source_key from persons
    where not is_suppressed
),

medical_ids_allowed as (
    select source_key from {{ ref('int_person_field_policies_applied') }}
    where column_name = 'med_id__c' and is_allowed
),

birth_dates_allowed as (
    select source_key from {{ ref('int_person_field_policies_applied') }}
    where column_name = 'birth_date__c' and is_allowed
),

declared_tiers as (
    select option_label from {{ ref('field_options') }}
    where entity = 'person' and column_name = 'loyalty_tier__c'
),

accruals as (
    select max(points_per_dollar) as points_per_dollar
    from programs
),

mapped as (

    select
        ---------- keys
        persons.source_key,
        stores.source_key as org__source_key,

        ---------- standard fields
        coalesce(
            {{ shortened('persons.full_name') }},
            'Unnamed contact ' || left(persons.contact_id, 8)
        ) as name,
        coalesce(addresses.emails, []) as emails,
        coalesce(addresses.phones, []) as phones,
        coalesce(audiences.label_names, []) as label_names,
        {{ rfc3339('persons.inserted_at') }} as add_time,
        -- who owns records without a store is decided in policies.csv
        case
            when stores.store_id is not null then stores.owner_id
            else try_cast({{ policy('owner_without_store') }} as bigint)
        end as owner_id,
        case
            when stores.store_id is not null then stores.visible_to
            else try_cast({{ policy('visibility_without_store') }} as integer)
        end as visible_to,

        ---------- custom fields: identity
        persons.source_key as migration_key__c,
        {{ within_length('persons.first_source_id') }} as aiq_source_id__c,
        persons.all_source_ids as aiq_source_ids_all__c,
        -- whether these two cross is decided by state, in field_policies.csv
        case
            when medical_ids_allowed.source_key is not null
                then {{ within_length('persons.medical_id') }}
        end as med_id__c,
        case
            when birth_dates_allowed.source_key is not null then persons.birth_date
        end as birth_date__c,
        persons.gender as gender__c,
        {{ address_struct(
            'persons.address.street', 'persons.address.city', 'persons.address.state',
            'persons.address.postal_code', 'persons.address.country'
        ) }} as address__c,
        {{ within_length('addresses.raw_phones') }} as phone_raw__c,
        {{ within_length('persons.platform') }} as source_platform__c,
        {{ within_length('persons.refer_code') }} as refer_code__c,
        case when persons.is_suppressed then 'hidden at the source' end
            as suppression__c,

        ---------- custom fields: consent
        -- silence is no consent: nobody without a statement is opted in
        coalesce(consents.sms_opt_in, 'Unknown') as sms_opt_in__c,
        {{ rfc3339('consents.sms_stated_at') }} as sms_consent_time__c,
        coalesce(consents.email_opt_in, 'Unknown') as email_opt_in__c,
        {{ rfc3339('consents.email_stated_at') }} as email_consent_time__c,
        {{ rfc3339('persons.fetched_at') }} as consent_checked_at__c,
        {{ options_present([
            "case when persons.has_push_opt_in then 'Mobile push' end",
            "case when persons.has_browser_push_opt_in then 'Browser push' end",
            "case when persons.has_wallet_pass then 'Wallet pass' end",
            "case when persons.has_voice_opt_in then 'Voice' end",
        ]) }} as push_channels__c,

        ---------- custom fields: loyalty
        {{ yes_no('persons.is_loyalty_member') }} as loyalty_member__c,
        cast(persons.loyalty_signup_at as date) as loyalty_signup_date__c,
        cast(persons.points_balance as decimal(18, 2)) as loyalty_points__c,
        {{ rfc3339('persons.points_read_at') }} as loyalty_points_at__c,
        cast(persons.points_used as decimal(18, 2)) as loyalty_points_used__c,
        cast(persons.points_lifetime as decimal(18, 2)) as loyalty_points_lifetime__c,
        {{ rfc3339('persons.points_detail_read_at') }} as loyalty_points_detail_at__c,
        declared_tiers.option_label as loyalty_tier__c,
        case when declared_tiers.option_label is not null then persons.tier_rule end
            as loyalty_tier_rule__c,
        case
            when persons.is_loyalty_member
                then cast(accruals.points_per_dollar as decimal(18, 4))
        end as loyalty_multiplier__c,
        {{ reward_overrides_text('persons.reward_overrides') }} as reward_override__c,

        ---------- custom fields: audiences and discounts
        nullif(coalesce(audiences.audience_names, []), []) as audience_list__c,
        cast(audiences.highest_multiplier as decimal(18, 4)) as audience_multiplier__c,
        audiences.all_multipliers as audience_multipliers_all__c,
        discounts.discount_groups as discount_group__c,
        {{ yes_no('discounts.is_discount_eligible') }} as discount_eligible__c,

        ---------- custom fields: confirmed custom properties
        {{ property_value('employee signup') }} as employee_signup__c,
        {{ property_value('newsletter') }} as newsletter__c,
        {{ property_value('visits', 'decimal(18, 4)') }} as visits__c,

        ---------- custom fields: orders and the rest
        {{ money(
            'persons.spent_amount',
            "coalesce(stores.currency, " ~ policy('default_currency') ~ ")",
        ) }} as total_spent__c,
        {{ rfc3339('persons.spent_read_at') }} as total_spent_at__c,
        cast(coalesce(persons.sales_count, order_sums.order_count) as bigint)
            as order_count__c,
        greatest(cast(persons.last_sale_at as date), order_sums.last_order_date)
            as last_order_date__c,
        -- a name that had to be shortened stands here in full
        nullif(
            concat_ws(
                chr(10),
                case
                    when length(persons.full_name) > 255
                        then 'Full name: ' || persons.full_name
                end,
                property_texts.custom_properties
            ),
            ''
        ) as custom_properties__c

    from persons

    left join addresses on persons.source_key = addresses.source_key

    left join home_stores on persons.source_key = home_stores.source_key

    left join stores on home_stores.store_id = stores.store_id

    left join medical_ids_allowed
        on persons.source_key = medical_ids_allowed.source_key

    left join birth_dates_allowed
        on persons.source_key = birth_dates_allowed.source_key

    left join consents on persons.source_key = consents.source_key

    left join segments_allowed
        on persons.source_key = segments_allowed.source_key

    left join audiences on segments_allowed.source_key = audiences.source_key

    left join discounts on segments_allowed.source_key = discounts.source_key

    left join order_sums on persons.source_key = order_sums.source_key

    left join properties on persons.source_key = properties.source_key

    left join property_texts on persons.source_key = property_texts.source_key

    left join declared_tiers on persons.tier_name = declared_tiers.option_label

    left join accruals on true

)

select * from mapped
