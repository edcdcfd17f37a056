-- Values of merged contacts that do not stand for their person, with the rule and score
-- of the merge: nothing is lost when contacts become one. Points are summed by the rule
-- points_summed, so each balance is listed with the sum beside it.
-- One row per contact_id and field.

with

contacts_matched as (
    select
        contact_id,
        person_contact_id,
        person_source_key,
        rule,
        score,
        count(*) over (partition by person_source_key) as contact_count
    from {{ ref('int_contacts_matched') }}
),

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

contacts as (select * from {{ ref('int_contacts_united') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

birth_dates as (select * from {{ ref('int_contact_birth_dates_checked') }}),

tiers as (select * from {{ ref('int_contact_tiers_assigned') }}),

values_merged as (
    select
        persons.source_key,
        contacts_matched.contact_id,
        contacts_matched.rule,
        contacts_matched.score,
        unnest([
            struct_pack(
                field := 'name',
                outvoted := cleaned.full_name,
                standing := persons.full_name
            ),
            struct_pack(
                field := 'birth_date__c',
                outvoted := cast(birth_dates.birth_date as varchar),
                standing := cast(persons.birth_date as varchar)
            ),
            struct_pack(
                field := 'med_id__c',
                outvoted := cleaned.medical_id,
                standing := persons.medical_id
            ),
            struct_pack(
                field := 'gender__c',
                outvoted := cleaned.gender,
                standing := persons.gender
            ),
            struct_pack(
                field := 'address__c',
                outvoted := nullif(
                    concat_ws(
                        ', ',
                        cleaned.street,
                        cleaned.city,
                        cleaned.state,
                        cleaned.postal_code,
                        cleaned.country
                    ),
                    ''
                ),
                standing := nullif(
                    concat_ws(
                        ', ',
                        persons.address.street,
                        persons.address.city,
                        persons.address.state,
                        persons.address.postal_code,
                        persons.address.country
                    ),
                    ''
                )
            ),
            struct_pack(
                field := 'source_platform__c',
                outvoted := cleaned.platform,
                standing := persons.platform
            ),
            struct_pack(
                field := 'refer_code__c',
                outvoted := cleaned.refer_code,
                standing := persons.refer_code
            ),
            struct_pack(
                field := 'loyalty_tier__c',
                outvoted := tiers.tier_name,
                standing := persons.tier_name
            ),
            struct_pack(
                field := 'loyalty_points__c',
                outvoted := cast(contacts.points_balance as varchar),
                standing := cast(persons.points_balance as varchar)
            )
        ]) as field_value
    from contacts_matched
    inner join persons
        on contacts_matched.person_source_key = persons.source_key
    inner join contacts
        on contacts_matched.contact_id = contacts.contact_id
    left join cleaned
        on contacts_matched.contact_id = cleaned.contact_id
    left join birth_dates
        on contacts_matched.contact_id = birth_dates.contact_id
    left join tiers
        on contacts_matched.contact_id = tiers.contact_id
    where contacts_matched.contact_count > 1
),

outvoted as (
    select
        source_key,
        contact_id,
        rule,
        score,
        field_value.field,
        if(
            field_value.field = 'loyalty_points__c', 'points_summed', 'survivor_first'
        ) as settled_by,
        field_value.outvoted as outvoted_value,
        field_value.standing as standing_value
    from values_merged
    where
        field_value.outvoted is not null
        and field_value.outvoted is distinct from field_value.standing
)

select * from outvoted
