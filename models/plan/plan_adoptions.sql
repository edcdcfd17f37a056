-- Records of the destination that carry no key of ours and may be what we are about to
-- create. One row per pair; a pair that a person or a rule keeps apart is not in it.
-- Deals, lines, notes and activities of others are never taken for ours.

with

organizations as (select * from {{ ref('mart_organizations') }}),

persons as (select * from {{ ref('mart_persons') }}),

products as (select * from {{ ref('mart_products') }}),

organizations_there as (select * from {{ ref('stg_pipedrive__organizations') }}),

persons_there as (select * from {{ ref('stg_pipedrive__persons') }}),

products_there as (select * from {{ ref('stg_pipedrive__products') }}),

destination_records as (select * from {{ ref('plan_destination_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

rules as (select * from {{ ref('adoption_rules') }}),

decisions as (select * from {{ ref('adoption_decisions') }}),

-- a key that the ledger or the destination knows always wins
keys_known as (
    select source_key
    from id_map
    where pipedrive_id is not null or state in ('intent', 'ambiguous')
    union
    select source_key
    from destination_records
    where source_key is not null
),

records_free as (
    select
        destination_records.entity,
        destination_records.pipedrive_id
    from destination_records
    left join id_map
        on
            destination_records.entity = id_map.entity
            and destination_records.pipedrive_id = id_map.pipedrive_id
    where
        destination_records.source_key is null
        and destination_records.entity in ('organization', 'person', 'product')
        and id_map.pipedrive_id is null
),

persons_free as (
    select
        persons_there.pipedrive_person_id as pipedrive_id,
        {{ case_folded('persons_there.name') }} as folded_name,
        persons_there.emails,
        persons_there.phones
    from persons_there
    inner join records_free
        on
            persons_there.pipedrive_person_id = records_free.pipedrive_id
            and records_free.entity = 'person'
),

emails_there as (
    select
        pipedrive_id,
        folded_name,
        {{ case_folded('unnest(emails)."value"') }} as address
    from persons_free
),

-- how people write a number differs: its last ten digits count
phones_there as (
    select
        pipedrive_id,
        folded_name,
        right(regexp_replace(unnest(phones).value, '[^0-9]', '', 'g'), 10) as number
    from persons_free
),

emails_of_ours as (
    select
        source_key,
        {{ case_folded('name') }} as folded_name,
        {{ case_folded('unnest(emails)."value"') }} as address
    from persons
),

phones_of_ours as (
    select
        source_key,
        {{ case_folded('name') }} as folded_name,
        right(regexp_replace(unnest(phones).value, '[^0-9]', '', 'g'), 10) as number
    from persons
),

found as (
    select
        'person' as entity,
        emails_of_ours.source_key,
        emails_there.pipedrive_id,
        if(
            emails_of_ours.folded_name = emails_there.folded_name,
            'email_and_name',
            'email'
        ) as rule
    from emails_of_ours
    inner join emails_there
        on emails_of_ours.address = emails_there.address
    where emails_of_ours.address <> ''
    union
    select
        'person' as entity,
        phones_of_ours.source_key,
        phones_there.pipedrive_id,
        if(
            phones_of_ours.folded_name = phones_there.folded_name,
            'phone_and_name',
            'phone'
        ) as rule
    from phones_of_ours
    inner join phones_there
        on phones_of_ours.number = phones_there.number
    where length(phones_of_ours.number) = 10
    union
    select
        'organization' as entity,
        organizations.source_key,
        organizations_there.pipedrive_organization_id as pipedrive_id,
        'name' as rule
    from organizations
    inner join organizations_there
        on
            {{ case_folded('organizations.name') }}
            = {{ case_folded('organizations_there.name') }}
    union
    select
        'product' as entity,
        products.source_key,
        products_there.pipedrive_product_id as pipedrive_id,
        'code' as rule
    from products
    inner join products_there on products.code = products_there.code
    union
    select
        'product' as entity,
        products.source_key,
        products_there.pipedrive_product_id as pipedrive_id,
        'name' as rule
    from products
    inner join products_there
        on
            {{ case_folded('products.name') }}
            = {{ case_folded('products_there.name') }}
    union
    -- a person may know a pair that no rule finds
    select
        entity,
        source_key,
        pipedrive_id,
        'decided' as rule
    from decisions
    where decision = 'adopt'
),

-- a pair goes by its strongest rule: one that adopts, else one that asks
pairs as (
    select
        found.entity,
        found.source_key,
        found.pipedrive_id,
        arg_min(
            found.rule,
            (
                found.rule <> 'decided',
                rules.verdict is distinct from 'adopt',
                found.rule
            )
        ) as rule,
        bool_or(
            coalesce(
                rules.verdict = 'adopt'
                and rules.decided_by is not null
                and rules.decided_on is not null,
                false
            )
        ) as is_adopted_by_rule
    from found
    inner join records_free
        on
            found.entity = records_free.entity
            and found.pipedrive_id = records_free.pipedrive_id
    left join keys_known
        on found.source_key = keys_known.source_key
    left join rules
        on
            found.entity = rules.entity
            and found.rule = rules.rule
    where
        keys_known.source_key is null
        and (found.rule = 'decided' or coalesce(rules.verdict, 'ask') <> 'apart')
    group by found.entity, found.source_key, found.pipedrive_id
),

pairs_decided as (
    select
        pairs.*,
        coalesce(decisions.decision = 'adopt', false) as is_decided,
        bool_or(coalesce(decisions.decision = 'adopt', false)) over (
            partition by pairs.entity, pairs.source_key
        ) as is_source_decided,
        bool_or(coalesce(decisions.decision = 'adopt', false)) over (
            partition by pairs.entity, pairs.pipedrive_id
        ) as is_record_decided
    from pairs
    left join decisions
        on
            pairs.entity = decisions.entity
            and pairs.source_key = decisions.source_key
            and pairs.pipedrive_id = decisions.pipedrive_id
    where decisions.decision is distinct from 'apart'
),

-- a decision about one pair settles the others of its two sides
counted as (
    select
        *,
        count(*) over (partition by entity, source_key) as records_for_it,
        count(*) over (partition by entity, pipedrive_id) as sources_for_it
    from pairs_decided
    where is_decided or not (is_source_decided or is_record_decided)
),

judged as (
    select
        entity,
        source_key,
        pipedrive_id,
        rule,
        records_for_it,
        sources_for_it,
        (is_decided or is_adopted_by_rule)
        and records_for_it = 1
        and sources_for_it = 1 as is_adopted,
        case
            when records_for_it > 1 or sources_for_it > 1 then 'match_ambiguous'
            when is_decided then 'match_decided'
            when is_adopted_by_rule then 'match_by_rule: ' || rule
            else 'match_to_decide'
        end as reason
    from counted
)

select * from judged
