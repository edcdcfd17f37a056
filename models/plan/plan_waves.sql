-- In which wave each record loads. One row per entity and source_key.
--
-- seeds/decisions/waves.csv chooses people and orders; a parent loads in the wave of
-- its first child, or before it. Without a rule everything is in wave 1.

with

rules as (select * from {{ ref('waves') }}),

persons as (select * from {{ ref('mart_persons') }}),

deals as (select * from {{ ref('mart_deals') }}),

deal_products as (select * from {{ ref('mart_deal_products') }}),

notes as (select * from {{ ref('mart_notes') }}),

organizations as (select * from {{ ref('mart_organizations') }}),

products as (select * from {{ ref('mart_products') }}),

-- recency counts from the latest order, so that a plan is the same on any day
last_day as (
    select max(order_date__c) as last_order_date from deals
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

deals_placed as (
    select
        deals_chosen.source_key,
        greatest(deals_chosen.wave, people_placed.wave) as wave
    from deals_chosen
    left join people_placed
        on deals_chosen.person__source_key = people_placed.source_key
),

lines_placed as (
    select
        deal_products.source_key,
        deal_products.product__source_key,
        deals_placed.wave
    from deal_products
    inner join deals_placed
        on deal_products.deal__source_key = deals_placed.source_key
),

products_placed as (
    select
        products.source_key,
        coalesce(min(lines_placed.wave), min(rest.wave)) as wave
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
        wave
    from organizations_placed
    union all
    select
        'person' as entity,
        source_key,
        wave
    from people_placed
    union all
    select
        'product' as entity,
        source_key,
        wave
    from products_placed
    union all
    select
        'deal' as entity,
        source_key,
        wave
    from deals_placed
    union all
    select
        'deal_product' as entity,
        source_key,
        wave
    from lines_placed
    union all
    select
        'note' as entity,
        notes.source_key,
        coalesce(deals_placed.wave, rest.wave) as wave
    from notes
    cross join rest
    left join deals_placed
        on notes.deal__source_key = deals_placed.source_key
)

select
    entity,
    source_key,
    cast(wave as integer) as wave
from placed
