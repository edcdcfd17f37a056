-- Pairs of contacts that may be one human being, with the rule of match_rules.csv that
-- their evidence meets. An address that over ten contacts share identifies nobody.
-- One row per contact_id and other_contact_id, the smaller id first.

with

cleaned as (
    select * from {{ ref('int_contacts_cleaned') }}
    where not is_placeholder
),

birth_dates as (
    select * from {{ ref('int_contact_birth_dates_checked') }}
    where problem is null
),

emails as (
    select * from {{ ref('int_contact_emails_validated') }}
    where email is not null
),

phones as (
    select * from {{ ref('int_contact_phones_normalised') }}
    where phone_e164 is not null
),

match_rules as (select * from {{ ref('match_rules') }}),

identities as (
    select
        cleaned.contact_id,
        {{ case_folded('cleaned.full_name') }} as folded_name,
        upper(regexp_replace(cleaned.medical_id, '[^A-Za-z0-9]', '', 'g'))
            as medical_id,
        birth_dates.birth_date
    from cleaned
    left join birth_dates
        on cleaned.contact_id = birth_dates.contact_id
),

traits as (
    select
        contact_id,
        'email' as kind,
        email as trait
    from emails
    union
    select
        contact_id,
        'phone' as kind,
        phone_e164 as trait
    from phones
    union all
    select
        contact_id,
        'medical_id' as kind,
        medical_id as trait
    from identities
    where medical_id <> ''
    union all
    select
        contact_id,
        'name_and_birth_date' as kind,
        folded_name || ' ' || birth_date as trait
    from identities
    where folded_name is not null and birth_date is not null
),

traits_shared as (
    select
        contact_id,
        kind,
        trait
    from traits
    qualify count(*) over (partition by kind, trait) between 2 and 10
),

pairs as (
    select
        traits_shared.contact_id,
        others.contact_id as other_contact_id,
        bool_or(traits_shared.kind = 'email') as has_same_email,
        bool_or(traits_shared.kind = 'phone') as has_same_phone,
        bool_or(traits_shared.kind = 'medical_id') as has_same_medical_id
    from traits_shared
    inner join traits_shared as others
        on
            traits_shared.kind = others.kind
            and traits_shared.trait = others.trait
            and traits_shared.contact_id < others.contact_id
    group by traits_shared.contact_id, others.contact_id
),

pairs_compared as (
    select
        pairs.contact_id,
        pairs.other_contact_id,
        pairs.has_same_email,
        pairs.has_same_phone,
        pairs.has_same_medical_id,
        coalesce(ours.folded_name = theirs.folded_name, false) as has_same_name,
        ours.folded_name is null or theirs.folded_name is null as has_unknown_name,
        coalesce(ours.birth_date = theirs.birth_date, false) as has_same_birth_date,
        coalesce(ours.birth_date <> theirs.birth_date, false)
        or coalesce(ours.medical_id <> theirs.medical_id, false) as is_contradicted
    from pairs
    inner join identities as ours
        on pairs.contact_id = ours.contact_id
    inner join identities as theirs
        on pairs.other_contact_id = theirs.contact_id
),

rules_met as (
    select
        contact_id,
        other_contact_id,
        has_same_email,
        has_same_phone,
        has_same_medical_id,
        has_same_name,
        has_same_birth_date,
        is_contradicted,
        case
            when has_same_name and is_contradicted then 'contradicting_evidence'
            when has_same_medical_id and has_same_name then 'same_medical_id_and_name'
            when has_same_medical_id then 'same_medical_id_other_name'
            when
                (has_same_email or has_same_phone)
                and has_same_name and has_same_birth_date
                then 'same_address_name_and_birth_date'
            when has_same_email and has_same_name then 'same_email_and_name'
            when has_same_phone and has_same_name then 'same_phone_and_name'
            when has_same_name and has_same_birth_date then 'same_name_and_birth_date'
            when has_same_email and has_unknown_name then 'same_email_name_unknown'
            when has_unknown_name then 'same_phone_name_unknown'
            else 'same_address_other_name'
        end as rule
    from pairs_compared
),

scored as (
    select
        rules_met.contact_id,
        rules_met.other_contact_id,
        rules_met.rule,
        match_rules.score,
        match_rules.action,
        rules_met.has_same_email,
        rules_met.has_same_phone,
        rules_met.has_same_medical_id,
        rules_met.has_same_name,
        rules_met.has_same_birth_date,
        rules_met.is_contradicted
    from rules_met
    left join match_rules
        on rules_met.rule = match_rules.rule_name
)

select * from scored
