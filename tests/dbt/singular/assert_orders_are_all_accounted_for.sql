-- If this fails, an order was lost or counted twice: orders = deals + quarantined +
-- those that are counted on their person alone (order strategy recent_deals), and
-- every line of either lane is in exactly one order, or left out with a reason.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

lines_read as (select * from {{ ref('int_order_lines_read') }}),

deals as (select * from {{ ref('mart_deals') }}),

quarantined as (select * from {{ ref('quarantine_deals') }}),

counted as (
    select source_key from {{ ref('int_orders_dispositioned') }}
    where disposition = 'counted'
),

orders_placed as (
    select
        orders.source_key,
        count(deals.source_key)
        + count(quarantined.source_key)
        + count(counted.source_key) as place_count
    from orders
    left join deals
        on orders.source_key = deals.source_key
    left join quarantined
        on orders.source_key = quarantined.source_key
    left join counted
        on orders.source_key = counted.source_key
    group by orders.source_key
),

lines_counted as (
    select
        (select count(*) from {{ ref('stg_alpine_iq__order_lines') }})
        + (select count(*) from {{ ref('stg_alpine_iq__export_sales_lines') }})
            as landed_count,
        (select coalesce(sum(line_count), 0) from orders)
        + (select count(lines_read.why_left_out) from lines_read)
            as rolled_up_count
)

select
    source_key as problem,
    place_count as found_count
from orders_placed
where place_count <> 1
union all
select
    'lines landed, not rolled up' as problem,
    landed_count - rolled_up_count as found_count
from lines_counted
where landed_count <> rolled_up_count
