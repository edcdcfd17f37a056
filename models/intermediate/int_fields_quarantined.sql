-- Values that may not cross although their record does, with the rule that says so.
-- One row per source_key, field and rule.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

contacts as (select * from {{ ref('int_contacts_united') }}),

phones as (select * from {{ ref('int_contact_phones_normalised') }}),

emails as (select * from {{ ref('int_contact_emails_validated') }}),

birth_dates as (select * from {{ ref('int_contact_birth_dates_checked') }}),

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

evidence as (select * from {{ ref('int_consent_evidence_collected') }}),

declared_options as (select * from {{ ref('field_options') }}),

field_policies as (
    select * from {{ ref('int_person_field_policies_applied') }}
    where not is_allowed
),

properties as (
    select * from {{ ref('int_person_properties_chosen') }}
    where decision = 'field' and typed_value is null
),

attributions as (select * from {{ ref('int_order_attributions_parsed') }}),

store_names as (select * from {{ ref('int_store_names_matched') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

problems_of_contacts as (
    select
        contact_id,
        problem as rule,
        'phones' as field
    from phones
    where problem is not null
    union all
    select
        contact_id,
        problem as rule,
        'emails' as field
    from emails
    where problem is not null
    union all
    select
        contact_id,
        problem as rule,
        'birth_date__c' as field
    from birth_dates
    where problem is not null
    union all
    select
        contact_id,
        'name_shortened_to_255_characters' as rule,
        'name' as field
    from cleaned
    where length(full_name) > 255
    union all
    select
        contact_id,
        'gender_unlisted' as rule,
        'gender__c' as field
    from cleaned
    where has_unlisted_gender
    union all
    select
        contact_id,
        'opt_in_dated_in_the_future' as rule,
        channel || '_opt_in__c' as field
    from evidence
    where statement_name = 'opted_in' and consent_rank = 1
),

problems as (
    select
        'person' as entity,
        contacts_matched.person_source_key as source_key,
        problems_of_contacts.rule,
        problems_of_contacts.field
    from problems_of_contacts
    inner join contacts_matched
        on problems_of_contacts.contact_id = contacts_matched.contact_id
    union all
    select
        'person' as entity,
        persons.source_key,
        'tier_not_declared' as rule,
        'loyalty_tier__c' as field
    from persons
    left join declared_options
        on
            declared_options.column_name = 'loyalty_tier__c'
            and persons.tier_name = declared_options.option_label
    where persons.tier_name is not null and declared_options.option_label is null
    union all
    select
        'person' as entity,
        contacts_matched.person_source_key as source_key,
        'favorite_store_unknown' as rule,
        'org__source_key' as field
    from contacts
    inner join contacts_matched
        on contacts.contact_id = contacts_matched.contact_id
    left join stores
        on contacts.favorite_store_id = stores.store_id
    where contacts.favorite_store_id is not null and stores.store_id is null
    union all
    select
        'person' as entity,
        persons.source_key,
        'not_allowed_in_this_state' as rule,
        field_policies.column_name as field
    from persons
    inner join field_policies
        on persons.source_key = field_policies.source_key
    where
        (field_policies.column_name = 'med_id__c' and persons.medical_id is not null)
        or (
            field_policies.column_name = 'birth_date__c'
            and persons.birth_date is not null
        )
    union all
    select
        'person' as entity,
        source_key,
        'property_does_not_fit_its_field' as rule,
        column_name as field
    from properties
    union all
    select
        'deal' as entity,
        source_key,
        'attribution_over_255_characters' as rule,
        'deal_attr_campaign__c' as field
    from attributions
    where
        length(attr_source) > 255
        or length(attr_medium) > 255
        or length(attr_campaign) > 255
    union all
    select
        'deal' as entity,
        orders.source_key,
        'store_name_' || store_names.matched_by as rule,
        'org__source_key' as field
    from orders
    inner join store_names
        on {{ case_folded('orders.store_name') }} = store_names.folded_name
    where orders.store_id is null
),

quarantined as (
    select distinct
        entity,
        source_key,
        rule,
        field
    from problems
)

select * from quarantined
