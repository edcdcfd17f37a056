-- If this fails, money was lost between the landed lines and the deals: per currency,
-- orders = deals + quarantined orders + orders counted on their person alone.

with

orders as (select * from {{ ref('int_orders_localised') }}),

deals as (select * from {{ ref('mart_deals') }}),

quarantined as (select * from {{ ref('quarantine_deals') }}),

counted as (
    select source_key from {{ ref('int_orders_dispositioned') }}
    where disposition = 'counted'
),

amounts as (
    select
        currency,
        order_amount as amount
    from orders
    union all
    select
        currency,
        0 - value as amount
    from deals
    union all
    select
        currency,
        0 - order_amount as amount
    from quarantined
    union all
    select
        orders.currency,
        0 - orders.order_amount as amount
    from orders
    inner join counted
        on orders.source_key = counted.source_key
)

select
    currency,
    sum(amount) as amount_lost
from amounts
group by currency
having sum(amount) <> 0
