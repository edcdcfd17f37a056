-- Loyalty tier of contacts by the first rule in tier_rules.csv that gives one.
-- One row per contact_id that any rule gives a tier.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

discounts as (select * from {{ ref('stg_alpine_iq__discounts') }}),

program as (select * from {{ ref('int_loyalty_program_united') }}),

tier_rules as (select * from {{ ref('tier_rules') }}),

program_tiers as (
    select unnest(tiers) as tier
    from program
),

tiers_proposed as (
    select
        contacts.contact_id,
        tier_rules.rule_name,
        tier_rules.rule_rank,
        {{ clean_text('contacts.tier_name') }} as tier_name,
        0 as level_reached
    from contacts
    inner join tier_rules
        on tier_rules.rule_name = 'persona'
    where contacts.tier_name is not null
    union all
    select
        properties.contact_id,
        tier_rules.rule_name,
        tier_rules.rule_rank,
        properties.property_value as tier_name,
        coalesce(epoch(properties.stated_at), 0) as level_reached
    from properties
    inner join tier_rules
        on
            tier_rules.rule_name = 'custom_attribute'
            and {{ case_folded('tier_rules.attribute_key') }} = properties.folded_name
    union all
    select
        contacts.contact_id,
        tier_rules.rule_name,
        tier_rules.rule_rank,
        {{ clean_text('discounts.discount_name') }} as tier_name,
        discounts.points_deduction as level_reached
    from contacts
    inner join tier_rules
        on tier_rules.rule_name = 'tier_reward'
    inner join discounts
        on
            discounts.is_tier_reward
            and not coalesce(discounts.is_archived, false)
            and contacts.points_balance >= discounts.points_deduction
    where contacts.is_loyalty_member
    union all
    select
        contacts.contact_id,
        tier_rules.rule_name,
        tier_rules.rule_rank,
        {{ clean_text('program_tiers.tier.name') }} as tier_name,
        {{ number_or_null('program_tiers.tier.points') }} as level_reached
    from contacts
    inner join tier_rules
        on tier_rules.rule_name = 'program'
    inner join program_tiers
        on
            contacts.points_balance
            >= {{ number_or_null('program_tiers.tier.points') }}
    where contacts.is_loyalty_member
    union all
    select
        contacts.contact_id,
        tier_rules.rule_name,
        tier_rules.rule_rank,
        tier_rules.tier_name,
        tier_rules.at_least as level_reached
    from contacts
    inner join tier_rules
        on
            tier_rules.rule_name = 'spend'
            and contacts.spent_amount >= tier_rules.at_least
),

assigned as (
    select
        contact_id,
        tier_name,
        rule_name,
        level_reached
    from tiers_proposed
    where tier_name is not null
    qualify
        row_number() over (
            partition by contact_id
            order by rule_rank asc, level_reached desc, tier_name asc
        ) = 1
)

select * from assigned
