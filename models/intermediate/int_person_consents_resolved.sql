-- Consent per person: opted out < unknown < opted in, the lowest statement of any
-- source about any contact merged into the person. One row per source_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

consents as (select * from {{ ref('int_contact_consents_resolved') }}),

lowest_by_channel as (
    select
        contacts_matched.person_source_key as source_key,
        consents.channel,
        min(consents.consent_rank) as consent_rank,
        arg_min(
            consents.stated_at,
            struct_pack(
                consent_rank := consents.consent_rank,
                statement_age := 0 - epoch(
                    coalesce(consents.stated_at, timestamp '1970-01-01')
                ),
                contact_id := consents.contact_id,
                source_name := consents.source_name
            )
        ) as stated_at,
        max(consents.fetched_at) as checked_at
    from contacts_matched
    inner join consents
        on contacts_matched.contact_id = consents.contact_id
    group by source_key, consents.channel
),

resolved as (
    select
        source_key,
        case max(consent_rank) filter (where channel = 'sms')
            when 0 then 'No'
            when 1 then 'Unknown'
            when 2 then 'Yes'
        end as sms_opt_in,
        max(stated_at) filter (where channel = 'sms') as sms_stated_at,
        case max(consent_rank) filter (where channel = 'email')
            when 0 then 'No'
            when 1 then 'Unknown'
            when 2 then 'Yes'
        end as email_opt_in,
        max(stated_at) filter (where channel = 'email') as email_stated_at,
        max(checked_at) as checked_at
    from lowest_by_channel
    group by source_key
)

select * from resolved
