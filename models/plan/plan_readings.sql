-- What a load of this plan reads besides its writes. One row per purpose.
--
-- Lists give 500 records a page, look-ups by id 100. A plan without a write needs no
-- load and no row here.

with

planned as (
    select
        entity,
        wave,
        action,
        payload ->> 'deal__source_key' as deal_key
    from {{ ref('plan_records') }}
    where action in ('create', 'update', 'adopt')
),

-- who we are, the fields of four entities, webhooks, pipelines, stages; the load
-- looks again, and so does the sweep
asked as (
    select
        unnest(['preflight', 'canary', 'apply', 'sweep']) as purpose,
        unnest([6, 8, 7, 1]) as calls,
        unnest([52, 30, 52, 2]) as tokens
    union all
    -- whether the ledger knows the newest of what the account has with our keys
    select
        'preflight' as purpose,
        1 as calls,
        10 as tokens
    from {{ ref('stg_ledger__field_codes') }} as field_codes
    where
        field_codes.column_name = 'migration_key__c'
        and field_codes.state = 'active'
        and exists (
            select 1 from planned
            where
                planned.entity = field_codes.entity
                and planned.action = 'create'
        )
    union all
    -- the types of activities
    select
        'preflight' as purpose,
        1 as calls,
        20 as tokens
    where
        exists (
            select 1 from planned
            where entity = 'activity' and action = 'create'
        )
    union all
    -- the canary's deal is archived and looked at, too
    select
        'canary' as purpose,
        2 as calls,
        6 as tokens
    where '{{ decided_setting('order_strategy') }}' = 'archived_waves'
),

asked_if_there_is_something as (
    select
        purpose,
        calls,
        tokens
    from asked
    where exists (select 1 from planned)
),

-- the newest records of each kind are looked at for changes by others
created as (
    select
        entity,
        wave,
        ceil(count(*) / 500) as pages
    from planned
    where
        action = 'create'
        and entity in ('organization', 'person', 'product', 'deal')
    group by entity, wave
),

valued as (
    select
        wave,
        ceil(count(distinct deal_key) / 100) as pages
    from planned
    where entity = 'deal_product' and action in ('create', 'update')
    group by wave
),

-- what is there is read before it is changed; notes can't be listed by id
changed as (
    select
        entity,
        if(entity in ('note', 'file'), count(*), ceil(count(*) / 100)) as pages,
        if(entity in ('note', 'file'), 2, 10) as page_cost
    from planned
    where action in ('update', 'adopt')
    group by entity
),

needed as (
    select
        purpose,
        calls,
        tokens
    from asked_if_there_is_something
    union all
    select
        'watch' as purpose,
        sum(pages) as calls,
        sum(10 * pages) as tokens
    from created
    union all
    select
        'values' as purpose,
        sum(pages) as calls,
        sum(10 * pages) as tokens
    from valued
    union all
    select
        'before_updates' as purpose,
        sum(pages) as calls,
        sum(page_cost * pages) as tokens
    from changed
)

select
    purpose,
    cast(sum(calls) as bigint) as calls,
    cast(sum(tokens) as bigint) as tokens
from needed
where calls > 0
group by purpose
