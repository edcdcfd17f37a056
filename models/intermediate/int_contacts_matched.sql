-- Which person each contact belongs to, by which rule. One row per contact_id
-- of the source, those that the source itself merged included.

with

recursive classified as (select * from {{ ref('int_contacts_classified') }}),

cleaned as (select * from {{ ref('int_contacts_cleaned') }}),

decisions as (select * from {{ ref('match_decisions') }}),

pairs_scored as (
    select * from {{ ref('int_contact_pairs_scored') }}
    where action = 'merge'
),

loadable as (
    select classified.contact_id
    from classified
    inner join cleaned
        on classified.contact_id = cleaned.contact_id
    where not cleaned.is_placeholder
),

-- whom a person told apart from somebody is merged by persons only, never by a rule:
-- a chain of rules might join the two again
told_apart as (
    select contact_id from decisions
    where decision = 'different'
    union
    select same_as_contact_id as contact_id from decisions
    where decision = 'different'
),

pairs as (
    select
        decisions.contact_id,
        decisions.same_as_contact_id as other_contact_id,
        'decided_by_a_person' as rule,
        cast(1 as decimal(4, 3)) as score
    from decisions
    where decisions.decision = 'same'
    union all
    select
        pairs_scored.contact_id,
        pairs_scored.other_contact_id,
        pairs_scored.rule,
        pairs_scored.score
    from pairs_scored
    left join told_apart as ours
        on pairs_scored.contact_id = ours.contact_id
    left join told_apart as theirs
        on pairs_scored.other_contact_id = theirs.contact_id
    where ours.contact_id is null and theirs.contact_id is null
),

pairs_loadable as (
    select
        pairs.contact_id,
        pairs.other_contact_id,
        pairs.rule,
        pairs.score
    from pairs
    inner join loadable as ours
        on pairs.contact_id = ours.contact_id
    inner join loadable as theirs
        on pairs.other_contact_id = theirs.contact_id
),

pairs_both_ways as (
    select
        contact_id,
        other_contact_id,
        rule,
        score
    from pairs_loadable
    union all
    select
        other_contact_id as contact_id,
        contact_id as other_contact_id,
        rule,
        score
    from pairs_loadable
),

-- pairs chain: if a is b and b is c, then all three are one person
connected as (
    select distinct
        contact_id,
        contact_id as member_contact_id
    from pairs_both_ways
    union
    select
        connected.contact_id,
        pairs_both_ways.other_contact_id as member_contact_id
    from connected
    inner join pairs_both_ways
        on connected.member_contact_id = pairs_both_ways.contact_id
),

survivors as (
    select
        contact_id,
        min(member_contact_id) as person_contact_id
    from connected
    group by contact_id
),

-- of several pairs that a contact stands in, the surest one is why it was merged
reasons as (
    select
        contact_id,
        rule,
        score
    from pairs_both_ways
    qualify
        row_number() over (
            partition by contact_id
            order by score desc, rule asc, other_contact_id asc
        ) = 1
),

persons_of_loadable as (
    select
        loadable.contact_id,
        coalesce(survivors.person_contact_id, loadable.contact_id)
            as person_contact_id,
        coalesce(reasons.rule, 'own_contact') as rule,
        coalesce(reasons.score, cast(1 as decimal(4, 3))) as score
    from loadable
    left join survivors
        on loadable.contact_id = survivors.contact_id
    left join reasons
        on loadable.contact_id = reasons.contact_id
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
        contact_id,
        person_contact_id,
        rule,
        score
    from persons_of_loadable
    union all
    select
        merged_at_source.contact_id,
        persons_of_loadable.person_contact_id,
        'merged_at_source' as rule,
        cast(1 as decimal(4, 3)) as score
    from merged_at_source
    inner join persons_of_loadable
        on merged_at_source.merged_into_contact_id = persons_of_loadable.contact_id
),

known_contacts as (
    select replace(source_key, 'aiq:contact:', '') as contact_id
    from {{ ref('int_keys_known') }}
    where entity = 'person'
),

keyed as (
    select
        matched.contact_id,
        matched.person_contact_id,
        -- the key that the ledger knows outlives merges and rules
        'aiq:contact:' || case
            when
                bool_or(known_contacts.contact_id = matched.person_contact_id)
                    over (partition by matched.person_contact_id)
                then matched.person_contact_id
            else coalesce(
                min(known_contacts.contact_id)
                    over (partition by matched.person_contact_id),
                matched.person_contact_id
            )
        end as person_source_key,
        matched.rule,
        matched.score
    from matched
    left join known_contacts
        on matched.contact_id = known_contacts.contact_id
)

select * from keyed
