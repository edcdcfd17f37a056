-- If this fails, somebody may be texted or e-mailed who did not agree to it. Yes needs
-- an opt-in of a persona or a look-up, and no source whose last word is less than that.

with

persons as (select * from {{ ref('mart_persons') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

evidence as (select * from {{ ref('int_consent_evidence_collected') }}),

consents_sent as (
    select
        source_key,
        'sms' as channel,
        sms_opt_in__c as consent,
        suppression__c
    from persons
    union all
    select
        source_key,
        'email' as channel,
        email_opt_in__c as consent,
        suppression__c
    from persons
),

evidence_of_persons as (
    select
        contacts_matched.person_source_key as source_key,
        evidence.channel,
        evidence.contact_id,
        evidence.source_name,
        max(evidence.stated_at)
        filter (where evidence.consent_rank = 2) as last_opt_in_at,
        count(*) filter (where evidence.consent_rank = 2) as opt_in_count,
        max(coalesce(evidence.stated_at, timestamp '9999-01-01'))
        filter (where evidence.consent_rank = 0) as last_opt_out_at,
        count(*) filter (where evidence.consent_rank = 1) as doubt_count
    from evidence
    inner join contacts_matched
        on evidence.contact_id = contacts_matched.contact_id
    group by
        source_key, evidence.channel, evidence.contact_id, evidence.source_name
),

judged as (
    select
        consents_sent.source_key,
        consents_sent.channel,
        coalesce(sum(evidence_of_persons.opt_in_count), 0) as opt_in_count,
        count(*) filter (
            where
            evidence_of_persons.last_opt_out_at
            >= coalesce(evidence_of_persons.last_opt_in_at, timestamp '0001-01-01')
        ) as standing_opt_out_count,
        count(*) filter (
            where
            evidence_of_persons.doubt_count > 0
            and evidence_of_persons.opt_in_count = 0
        ) as standing_doubt_count
    from consents_sent
    left join evidence_of_persons
        on
            consents_sent.source_key = evidence_of_persons.source_key
            and consents_sent.channel = evidence_of_persons.channel
    where consents_sent.consent = 'Yes'
    group by consents_sent.source_key, consents_sent.channel
)

select
    source_key,
    channel
from judged
where
    opt_in_count = 0
    or standing_opt_out_count > 0
    or standing_doubt_count > 0
union all
select
    source_key,
    channel
from consents_sent
where suppression__c is not null and consent <> 'No'
