-- If this warns, a store's time zone is probably wrong: over a fifth of its orders fall
-- between midnight and six by its own clock. Confirm the zone in store_settings.csv.

{{ config(severity='warn') }}

with

orders as (select * from {{ ref('int_orders_rolled_up') }})

select
    store_id,
    time_zone,
    count(*) as order_count,
    count(*) filter (
        where
        extract(
            hour from timezone(time_zone, timezone('UTC', ordered_at))
        ) < 6
    ) as night_order_count
from orders
where store_id is not null and ordered_at is not null
group by store_id, time_zone
having count(*) >= 50 and night_order_count > 0.2 * count(*)
