-- What becomes of each contact id: a person, merged into one, hidden by policy, gone or
-- quarantined. One row per contact_id.

with

classified as (select * from {{ ref('int_contacts_classified') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

dispositioned as (
    select
        classified.contact_id,
        'aiq:contact:' || classified.contact_id as contact_source_key,
        contacts_matched.person_source_key,
        case
            when contacts_matched.person_contact_id = classified.contact_id
                then 'person'
            when contacts_matched.person_contact_id is not null then 'merged'
            when classified.visibility = 'hidden' then 'hidden'
            when classified.visibility in ('gone', 'unknown') then classified.visibility
            else 'quarantined'
        end as disposition,
        case
            when contacts_matched.person_contact_id = classified.contact_id
                then classified.load_as
            when contacts_matched.person_contact_id is not null
                then contacts_matched.rule
            when classified.visibility = 'hidden' then 'hidden_contacts_policy'
            when classified.visibility = 'gone' then 'source_no_longer_knows_it'
            when classified.visibility = 'unknown' then 'look_up_gave_no_answer'
            when classified.visibility = 'merged' then 'survivor_is_not_loaded'
            when cleaned.is_placeholder then 'name_stands_for_nobody'
        end as reason
    from classified
    left join cleaned
        on classified.contact_id = cleaned.contact_id
    left join contacts_matched
        on classified.contact_id = contacts_matched.contact_id
)

select * from dispositioned
