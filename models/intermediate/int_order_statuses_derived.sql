-- Status of orders: what the source says, corrected by what was given back.
-- One row per source_key; order_status is null where the raw status is unlisted.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

order_statuses as (select * from {{ ref('order_statuses') }}),

statuses_mapped as (
    select
        orders.source_key,
        orders.raw_status,
        orders.line_count,
        orders.refund_line_count,
        orders.lines_amount,
        case
            when orders.raw_status is null then 'Completed'
            else order_statuses.order_status
        end as stated_status
    from orders
    left join order_statuses
        on {{ case_folded('orders.raw_status') }} = order_statuses.raw_status
),

derived as (
    select
        source_key,
        raw_status,
        case
            when stated_status is null then null
            when stated_status in ('Cancelled', 'Refunded') then stated_status
            when refund_line_count = line_count then 'Refunded'
            when refund_line_count > 0 and lines_amount <= 0 then 'Refunded'
            when refund_line_count > 0 then 'Partly refunded'
            else stated_status
        end as order_status
    from statuses_mapped
)

select * from derived
