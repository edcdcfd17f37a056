-- In which wave each record loads. One row per entity and source_key.
--
-- seeds/decisions/waves.csv chooses people and orders; a parent loads in the wave of
-- its first child, or before it. Without a rule everything is in wave 1. Where deals
-- are archived, a wave is split into waves of no more new deals than the cap has room
-- for.

with

rules as (select * from {{ ref('waves') }}),

persons as (select * from {{ ref('mart_persons') }}),

deals as (select * from {{ ref('mart_deals') }}),

deal_products as (select * from {{ ref('mart_deal_products') }}),

notes as (select * from {{ ref('mart_notes') }}),

activities as (select * from {{ ref('mart_activities') }}),

files as (select * from {{ ref('mart_files') }}),

organizations as (select * from {{ ref('mart_organizations') }}),

products as (select * from {{ ref('mart_products') }}),

-- recency counts from the latest order, so that a plan is the same on any day
last_day as (
    select max(order_date__c) as last_order_date from deals
),

limits as (
    select * from {{ ref('plan_limits') }}
    where plan_name = '{{ pipedrive_setting('plan') }}'
),

deals_there as (
    select count(*) as deal_count from {{ ref('stg_pipedrive__deals') }}
    where not is_deleted and not is_archived
),

loaded as (
    select
        source_key,
        reason_code
    from {{ ref('stg_ledger__id_map') }}
    where entity = 'deal' and state = 'confirmed'
),

deals_in_ledger as (
    select count(*) as deal_count from loaded
    where reason_code is distinct from 'archived'
),

-- new deals that stay open keep their places
staying as (
    select count(*) as deal_count
    from deals
    left join loaded
        on deals.source_key = loaded.source_key
    where deals.is_archived is distinct from true and loaded.source_key is null
),

-- 2 % of the free places are left to deals that can't be archived yet, because
-- something of them waits for a human
room as (
    select
        cast(
            greatest(
                1,
                floor(
                    0.98 * (
                        coalesce(min(limits.deals_per_seat), 1000000)
                        * {{ pipedrive_setting('seats') }}
                        - greatest(
                            min(deals_there.deal_count),
                            min(deals_in_ledger.deal_count)
                        )
                        - min(staying.deal_count)
                    )
                )
            ) as bigint
        ) as free_count
    from deals_there
    cross join deals_in_ledger
    cross join staying
    left join limits
        on true
),

rest as (
    select coalesce(max(wave) + 1, 1) as wave from rules
),

people_placed as (
    select
        persons.source_key,
        coalesce(min(rules.wave), min(rest.wave)) as wave
    from persons
    cross join last_day
    cross join rest
    left join rules
        on
            (
                rules.store_id is null
                or persons.org__source_key = 'aiq:store:' || rules.store_id
            )
            and (
                rules.active_within_days is null
                or persons.last_order_date__c
                >= last_day.last_order_date - rules.active_within_days
            )
            and (
                rules.min_orders is null
                or persons.order_count__c >= rules.min_orders
            )
    group by persons.source_key
),

deals_chosen as (
    select
        deals.source_key,
        deals.person__source_key,
        coalesce(min(rules.wave), min(rest.wave)) as wave
    from deals
    cross join last_day
    cross join rest
    left join rules
        on
            (
                rules.store_id is null
                or deals.org__source_key = 'aiq:store:' || rules.store_id
            )
            and (
                rules.active_within_days is null
                or deals.order_date__c
                >= last_day.last_order_date - rules.active_within_days
            )
    group by deals.source_key, deals.person__source_key
),

deals_waiting as (
    select
        deals_chosen.source_key,
        greatest(deals_chosen.wave, people_placed.wave) as wave
    from deals_chosen
    left join people_placed
        on deals_chosen.person__source_key = people_placed.source_key
),

deals_placed as (
    select
        deals_waiting.source_key,
        deals_waiting.wave,
        case
            when deals.is_archived and loaded.source_key is null
                then (
                    row_number() over (
                        partition by
                            deals_waiting.wave, deals.is_archived, loaded.source_key
                        order by deals_waiting.source_key
                    ) - 1
                ) // room.free_count
            else 0
        end as part
    from deals_waiting
    cross join room
    left join deals
        on deals_waiting.source_key = deals.source_key
    left join loaded
        on deals_waiting.source_key = loaded.source_key
),

lines_placed as (
    select
        deal_products.source_key,
        deal_products.product__source_key,
        deals_placed.wave,
        deals_placed.part
    from deal_products
    inner join deals_placed
        on deal_products.deal__source_key = deals_placed.source_key
),

products_placed as (
    select
        products.source_key,
        coalesce(
            min((lines_placed.wave, lines_placed.part))
            filter (where lines_placed.source_key is not null),
            (min(rest.wave), 0)
        ) as place
    from products
    cross join rest
    left join lines_placed
        on products.source_key = lines_placed.product__source_key
    group by products.source_key
),

-- few, and parents of nearly everything
organizations_placed as (
    select
        source_key,
        1 as wave
    from organizations
),

placed as (
    select
        'organization' as entity,
        source_key,
        (wave, 0) as place
    from organizations_placed
    union all
    select
        'person' as entity,
        source_key,
        (wave, 0) as place
    from people_placed
    union all
    select
        'product' as entity,
        source_key,
        place
    from products_placed
    union all
    select
        'deal' as entity,
        source_key,
        (wave, part) as place
    from deals_placed
    union all
    select
        'deal_product' as entity,
        source_key,
        (wave, part) as place
    from lines_placed
    union all
    select
        'note' as entity,
        notes.source_key,
        if(
            deals_placed.source_key is null,
            (rest.wave, 0),
            (deals_placed.wave, deals_placed.part)
        ) as place
    from notes
    cross join rest
    left join deals_placed
        on notes.deal__source_key = deals_placed.source_key
    union all
    select
        'activity' as entity,
        activities.source_key,
        (coalesce(people_placed.wave, rest.wave), 0) as place
    from activities
    cross join rest
    left join people_placed
        on activities.person__source_key = people_placed.source_key
    union all
    select
        'file' as entity,
        files.source_key,
        (coalesce(deals_placed.wave, people_placed.wave, rest.wave), 0) as place
    from files
    cross join rest
    left join deals_placed
        on files.deal__source_key = deals_placed.source_key
    left join people_placed
        on files.person__source_key = people_placed.source_key
),

numbered as (
    select
        entity,
        source_key,
        cast(
            if(
                '{{ decided_setting('order_strategy') }}' = 'archived_waves',
                dense_rank() over (order by place asc),
                place[1]
            ) as integer
        ) as wave
    from placed
)

select * from numbered
