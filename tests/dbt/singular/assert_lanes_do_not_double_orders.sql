-- If this fails, API and exports name the same sales differently (another time zone,
-- another clock), so that they would load twice: over one in a hundred orders that both
-- lanes should have stand in one of them only, on both sides.

with

differences as (
    select * from {{ ref('disc_lane_differences') }}
    where entity = 'order'
),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

counted as (
    select
        count(*) filter (where what = 'only_in_api') as only_in_api,
        count(*) filter (where what = 'only_in_export') as only_in_export,
        (select count(*) from orders) as order_count
    from differences
)

select
    only_in_api,
    only_in_export,
    order_count
from counted
where least(only_in_api, only_in_export) > 0.01 * order_count
