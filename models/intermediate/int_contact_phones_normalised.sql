-- Phones in E.164 beside what was received. One row per contact_id and kind.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

placeholders as (
    select folded_value from {{ ref('placeholder_values') }}
    where kind = 'phone'
),

phones_listed as (
    select
        contact_id,
        'mobile' as kind,
        1 as kind_rank,
        mobile_phone as raw_phone
    from contacts
    where mobile_phone is not null
    union all
    select
        contact_id,
        'home' as kind,
        2 as kind_rank,
        home_phone as raw_phone
    from contacts
    where home_phone is not null
),

phones_parsed as (
    select
        contact_id,
        kind,
        kind_rank,
        raw_phone,
        phone_e164(raw_phone, {{ policy('default_phone_region') }}) as parsed_phone
    from phones_listed
),

judged as (
    select
        phones_parsed.contact_id,
        phones_parsed.kind,
        phones_parsed.kind_rank,
        phones_parsed.raw_phone,
        case
            when placeholders.folded_value is null then phones_parsed.parsed_phone
        end as phone_e164,
        case
            when phones_parsed.parsed_phone is null then 'phone_not_valid'
            when placeholders.folded_value is not null then 'phone_stands_for_nobody'
        end as problem
    from phones_parsed
    left join placeholders
        on phones_parsed.parsed_phone = placeholders.folded_value
)

select * from judged
