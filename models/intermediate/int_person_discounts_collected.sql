-- Discount groups and eligibility of each person. One row per source_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

discount_groups as (select * from {{ ref('int_contact_discount_groups_assigned') }}),

discounts as (select * from {{ ref('stg_alpine_iq__discounts') }}),

memberships as (select * from {{ ref('stg_alpine_iq__audience_members') }}),

groups_listed as (
    select
        contacts_matched.person_source_key as source_key,
        list_sort(list(distinct discount_groups.discount_group)) as discount_groups
    from discount_groups
    inner join contacts_matched
        on discount_groups.contact_id = contacts_matched.contact_id
    group by source_key
),

-- a discount of a group that is bound to audiences is for their members
audiences_with_group_discounts as (
    select distinct unnest(audience_ids) as audience_id
    from discounts
    where group_id is not null and not coalesce(is_archived, false)
),

members_eligible as (
    select distinct contacts_matched.person_source_key as source_key
    from memberships
    inner join audiences_with_group_discounts
        on memberships.audience_id = audiences_with_group_discounts.audience_id
    inner join contacts_matched
        on memberships.contact_id = contacts_matched.contact_id
),

persons as (
    select distinct person_source_key as source_key
    from contacts_matched
),

collected as (
    select
        persons.source_key,
        groups_listed.discount_groups,
        groups_listed.source_key is not null
        or members_eligible.source_key is not null as is_discount_eligible
    from persons
    left join groups_listed
        on persons.source_key = groups_listed.source_key
    left join members_eligible
        on persons.source_key = members_eligible.source_key
)

select * from collected
