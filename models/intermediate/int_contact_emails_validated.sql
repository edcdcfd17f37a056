-- E-mail addresses, lower-cased and judged. One row per contact_id that has one.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

placeholders as (
    select folded_value from {{ ref('placeholder_values') }}
    where kind = 'email'
),

placeholder_local_parts as (
    select folded_value from {{ ref('placeholder_values') }}
    where kind = 'email_local_part'
),

emails_folded as (
    select
        contact_id,
        email as raw_email,
        lower({{ clean_text('email') }}) as folded_email
    from contacts
    where email is not null
),

emails_judged as (
    select
        emails_folded.contact_id,
        emails_folded.raw_email,
        emails_folded.folded_email,
        case
            when
                emails_folded.folded_email is null
                or not regexp_full_match(
                    emails_folded.folded_email,
                    '[^@\s,;<>"]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}'
                )
                or contains(emails_folded.folded_email, '..')
                or length(emails_folded.folded_email) > 254
                then 'email_not_valid'
            when
                placeholders.folded_value is not null
                or placeholder_local_parts.folded_value is not null
                then 'email_stands_for_nobody'
        end as problem
    from emails_folded
    left join placeholders
        on emails_folded.folded_email = placeholders.folded_value
    left join placeholder_local_parts
        on
            split_part(emails_folded.folded_email, '@', 1)
            = placeholder_local_parts.folded_value
),

validated as (
    select
        contact_id,
        raw_email,
        case when problem is null then folded_email end as email,
        problem
    from emails_judged
)

select * from validated
