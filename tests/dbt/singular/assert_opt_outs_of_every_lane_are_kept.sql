-- If this fails, an opt-out that the list, a look-up or an export shows did not reach
-- the person. Reads staging itself, so that a mistake in the evidence model can't hide
-- it.

with

statements as (
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        email_opted_in_at,
        email_opted_out_at
    from {{ ref('stg_alpine_iq__contacts') }}
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        email_opted_in_at,
        email_opted_out_at
    from {{ ref('stg_alpine_iq__contact_details') }}
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        email_opted_in_at,
        email_opted_out_at
    from {{ ref('stg_alpine_iq__export_personas') }}
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        email_opted_in_at,
        email_opted_out_at
    from {{ ref('stg_alpine_iq__export_hidden_contacts') }}
),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

persons as (select * from {{ ref('mart_persons') }}),

times_stated as (
    select
        contact_id,
        max(sms_opted_out_at) as sms_out_at,
        max(sms_opted_in_at) as sms_in_at,
        max(email_opted_out_at) as email_out_at,
        max(email_opted_in_at) as email_in_at
    from statements
    group by contact_id
)

select
    persons.source_key,
    persons.sms_opt_in__c,
    persons.email_opt_in__c
from times_stated
inner join contacts_matched
    on times_stated.contact_id = contacts_matched.contact_id
inner join persons
    on contacts_matched.person_source_key = persons.source_key
where
    (
        times_stated.sms_out_at
        >= coalesce(times_stated.sms_in_at, timestamp '0001-01-01')
        and persons.sms_opt_in__c <> 'No'
    )
    or (
        times_stated.email_out_at
        >= coalesce(times_stated.email_in_at, timestamp '0001-01-01')
        and persons.email_opt_in__c <> 'No'
    )
