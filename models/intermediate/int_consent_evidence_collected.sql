-- Every statement about consent that the source makes, and what it counts for.
-- One row per contact_id, channel, source_name and statement_name.

with

classified as (select * from {{ ref('int_contacts_classified') }}),

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

details as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

optins as (select * from {{ ref('stg_alpine_iq__optins') }}),

personas_exported as (select * from {{ ref('stg_alpine_iq__export_personas') }}),

hidden_exported as (select * from {{ ref('stg_alpine_iq__export_hidden_contacts') }}),

-- list, look-ups by id and exports show one and the same object at different times:
-- one source, so that a newer statement in either of them counts
personas_read as (
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        sms_invited_at,
        has_sms_invitation,
        has_sms_consent_mark,
        email_opted_in_at,
        email_opted_out_at,
        fetched_at
    from contacts
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        sms_invited_at,
        has_sms_invitation,
        has_sms_consent_mark,
        email_opted_in_at,
        email_opted_out_at,
        fetched_at
    from details
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        sms_invited_at,
        has_sms_invitation,
        has_sms_consent_mark,
        email_opted_in_at,
        email_opted_out_at,
        fetched_at
    from hidden_contacts
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        cast(null as timestamp) as sms_invited_at,
        cast(null as boolean) as has_sms_invitation,
        cast(null as boolean) as has_sms_consent_mark,
        email_opted_in_at,
        email_opted_out_at,
        fetched_at
    from personas_exported
    union all
    select
        contact_id,
        sms_opted_in_at,
        sms_opted_out_at,
        cast(null as timestamp) as sms_invited_at,
        cast(null as boolean) as has_sms_invitation,
        cast(null as boolean) as has_sms_consent_mark,
        email_opted_in_at,
        email_opted_out_at,
        fetched_at
    from hidden_exported
),

statements as (
    select
        contact_id,
        'sms' as channel,
        'persona' as source_name,
        'opted_in' as statement_name,
        sms_opted_in_at as stated_at,
        fetched_at
    from personas_read
    where sms_opted_in_at is not null
    union all
    select
        contact_id,
        'sms' as channel,
        'persona' as source_name,
        'opted_out' as statement_name,
        sms_opted_out_at as stated_at,
        fetched_at
    from personas_read
    where sms_opted_out_at is not null
    union all
    select
        contact_id,
        'email' as channel,
        'persona' as source_name,
        'opted_in' as statement_name,
        email_opted_in_at as stated_at,
        fetched_at
    from personas_read
    where email_opted_in_at is not null
    union all
    select
        contact_id,
        'email' as channel,
        'persona' as source_name,
        'opted_out' as statement_name,
        email_opted_out_at as stated_at,
        fetched_at
    from personas_read
    where email_opted_out_at is not null
    union all
    -- asked and not answered: a statement only while there is no dated one
    select
        contact_id,
        'sms' as channel,
        'persona' as source_name,
        'asked' as statement_name,
        sms_invited_at as stated_at,
        fetched_at
    from personas_read
    where
        (sms_invited_at is not null or has_sms_invitation)
        and sms_opted_in_at is null
        and sms_opted_out_at is null
    union all
    -- a weak mark may lower a consent, never raise one
    select
        contact_id,
        'sms' as channel,
        'smsconsent' as source_name,
        'mark_is_false' as statement_name,
        cast(null as timestamp) as stated_at,
        fetched_at
    from personas_read
    where not has_sms_consent_mark
    union all
    select
        contact_id,
        channel,
        'optin_lookup' as source_name,
        'opted_in' as statement_name,
        opted_in_at as stated_at,
        fetched_at
    from optins
    where is_opted_in and channel is not null and contact_id is not null
    union all
    select
        contact_id,
        channel,
        'optin_lookup' as source_name,
        case when is_pending then 'asked' else 'opted_out' end as statement_name,
        opted_out_at as stated_at,
        fetched_at
    from optins
    where not is_opted_in and channel is not null and contact_id is not null
    union all
    select
        contact_id,
        'sms' as channel,
        'suppression' as source_name,
        'opted_out' as statement_name,
        cast(null as timestamp) as stated_at,
        cast(null as timestamp) as fetched_at
    from classified
    where is_suppressed
    union all
    select
        contact_id,
        'email' as channel,
        'suppression' as source_name,
        'opted_out' as statement_name,
        cast(null as timestamp) as stated_at,
        cast(null as timestamp) as fetched_at
    from classified
    where is_suppressed
),

statements_ranked as (
    select
        contact_id,
        channel,
        source_name,
        statement_name,
        case
            when statement_name = 'opted_out' then 0
            when statement_name in ('asked', 'mark_is_false') then 1
            -- an opt-in dated after it was read can't have happened
            when stated_at > fetched_at then 1
            else 2
        end as consent_rank,
        stated_at,
        fetched_at
    from statements
),

collected as (
    select
        contact_id,
        channel,
        source_name,
        statement_name,
        min(consent_rank) as consent_rank,
        max(stated_at) as stated_at,
        max(fetched_at) as fetched_at
    from statements_ranked
    group by contact_id, channel, source_name, statement_name
)

select * from collected
