-- E-mail addresses and phones of each person, as Pipedrive's lists.
-- One row per source_key that has any.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

emails as (select * from {{ ref('int_contact_emails_validated') }}),

phones as (select * from {{ ref('int_contact_phones_normalised') }}),

emails_distinct as (
    select
        contacts_matched.person_source_key as source_key,
        emails.email as address,
        min(
            case
                when contacts_matched.contact_id = contacts_matched.person_contact_id
                    then 0
                else 1
            end
        ) as address_rank
    from emails
    inner join contacts_matched
        on emails.contact_id = contacts_matched.contact_id
    where emails.email is not null
    group by source_key, address
),

emails_ranked as (
    select
        source_key,
        address,
        row_number() over (
            partition by source_key
            order by address_rank asc, address asc
        ) as position
    from emails_distinct
),

email_lists as (
    select
        source_key,
        list(
            struct_pack(
                value := address,
                "primary" := position = 1,
                label := 'home'
            )
            order by position
        ) as emails
    from emails_ranked
    group by source_key
),

phones_distinct as (
    select
        contacts_matched.person_source_key as source_key,
        phones.phone_e164 as address,
        min(
            case
                when contacts_matched.contact_id = contacts_matched.person_contact_id
                    then 0
                else 10
            end + phones.kind_rank
        ) as address_rank,
        arg_min(phones.kind, phones.kind_rank) as label
    from phones
    inner join contacts_matched
        on phones.contact_id = contacts_matched.contact_id
    where phones.phone_e164 is not null
    group by source_key, address
),

phones_ranked as (
    select
        source_key,
        address,
        label,
        row_number() over (
            partition by source_key
            order by address_rank asc, address asc
        ) as position
    from phones_distinct
),

phone_lists as (
    select
        source_key,
        list(
            struct_pack(
                value := address,
                "primary" := position = 1,
                label := label
            )
            order by position
        ) as phones
    from phones_ranked
    group by source_key
),

phones_received as (
    select
        contacts_matched.person_source_key as source_key,
        string_agg(
            phones.kind || ': ' || phones.raw_phone,
            '; '
            order by phones.contact_id, phones.kind_rank
        ) as raw_phones
    from phones
    inner join contacts_matched
        on phones.contact_id = contacts_matched.contact_id
    group by source_key
),

emails_and_phones as (
    select
        coalesce(email_lists.source_key, phones_received.source_key) as source_key,
        email_lists.emails,
        phone_lists.phones,
        phones_received.raw_phones
    from email_lists
    full outer join phones_received
        on email_lists.source_key = phones_received.source_key
    left join phone_lists
        on phones_received.source_key = phone_lists.source_key
)

select * from emails_and_phones
