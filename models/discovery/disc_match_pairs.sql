-- Pairs of contacts that a person should look at: alike, and not enough to merge. They
-- load as two persons until match_decisions.csv says otherwise. Shows what agrees and
-- no value. One row per contact_id and same_as_contact_id.

with

pairs as (
    select * from {{ ref('int_contact_pairs_scored') }}
    where action = 'review'
),

decisions as (select * from {{ ref('match_decisions') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

pairs_decided as (
    select
        least(contact_id, same_as_contact_id) as contact_id,
        greatest(contact_id, same_as_contact_id) as other_contact_id
    from decisions
    group by all
),

pairs_waiting as (
    select
        pairs.contact_id,
        pairs.other_contact_id as same_as_contact_id,
        pairs.rule,
        pairs.score,
        concat_ws(
            ' and ',
            case when pairs.has_same_email then 'same e-mail' end,
            case when pairs.has_same_phone then 'same phone' end,
            case when pairs.has_same_medical_id then 'same medical id' end,
            case when pairs.has_same_name then 'same name' end,
            case when pairs.has_same_birth_date then 'same birth date' end,
            case when pairs.is_contradicted then 'other birth date or medical id' end
        ) as evidence
    from pairs
    inner join contacts_matched as ours
        on pairs.contact_id = ours.contact_id
    inner join contacts_matched as theirs
        on pairs.other_contact_id = theirs.contact_id
    left join pairs_decided
        on
            pairs.contact_id = pairs_decided.contact_id
            and pairs.other_contact_id = pairs_decided.other_contact_id
    where
        pairs_decided.contact_id is null
        -- other pairs may have joined the two already
        and ours.person_contact_id <> theirs.person_contact_id
),

proposed as (
    select
        contact_id,
        same_as_contact_id,
        rule,
        score,
        evidence,
        concat_ws(
            ',',
            contact_id,
            same_as_contact_id,
            'SAME_OR_DIFFERENT',
            evidence,
            'YOUR_NAME',
            'YYYY-MM-DD'
        ) as line_for_match_decisions
    from pairs_waiting
)

select * from proposed
