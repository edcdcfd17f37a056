-- Which person each contact belongs to, by which rule. One row per contact_id
-- of the source, those that the source itself merged included.

with

recursive classified as (select * from {{ ref('int_contacts_classified') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

decisions as (
    select * from {{ ref('match_decisions') }}
    where decision = 'same'
),

loadable as (
    select classified.contact_id
    from classified
    inner join cleaned
        on classified.contact_id = cleaned.contact_id
    where not cleaned.is_placeholder
),

decided_pairs as (
    select
        decisions.contact_id,
        decisions.same_as_contact_id as other_contact_id
    from decisions
    union
    select
        decisions.same_as_contact_id as contact_id,
        decisions.contact_id as other_contact_id
    from decisions
),

-- pairs chain: if a is b and b is c, then all three are one person
connected as (
    select
        loadable.contact_id,
        loadable.contact_id as member_contact_id
    from loadable
    union
    select
        connected.contact_id,
        decided_pairs.other_contact_id as member_contact_id
    from connected
    inner join decided_pairs
        on connected.member_contact_id = decided_pairs.contact_id
    inner join loadable
        on decided_pairs.other_contact_id = loadable.contact_id
),

survivors as (
    select
        contact_id,
        min(member_contact_id) as person_contact_id,
        count(*) as member_count
    from connected
    group by contact_id
),

merged_at_source as (
    select
        contact_id,
        merged_into_contact_id
    from classified
    where visibility = 'merged'
),

matched as (
    select
        survivors.contact_id,
        survivors.person_contact_id,
        case
            when survivors.member_count = 1 then 'own_contact'
            else 'decided_by_a_person'
        end as rule,
        1.0 as score
    from survivors
    union all
    select
        merged_at_source.contact_id,
        survivors.person_contact_id,
        'merged_at_source' as rule,
        1.0 as score
    from merged_at_source
    inner join survivors
        on merged_at_source.merged_into_contact_id = survivors.contact_id
),

keyed as (
    select
        contact_id,
        person_contact_id,
        'aiq:contact:' || person_contact_id as person_source_key,
        rule,
        cast(score as decimal(4, 3)) as score
    from matched
)

select * from keyed
