-- Orders with the currency and time zone of their store. One row per source_key.
--
-- A view, apart from the roll-up: what people decide about stores changes no order.

{{ config(materialized='view') }}

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

localised as (
    select
        orders.source_key,
        orders.order_part,
        orders.contact_id,
        orders.order_id,
        orders.has_real_key,
        orders.derived_order_part,
        orders.natural_order_part,
        orders.store_id,
        orders.store_name,
        orders.raw_status,
        orders.raw_status_count,
        orders.channel,
        orders.employee_name,
        orders.payment_type,
        orders.attribution_text,
        orders.customer_text,
        coalesce(stores.currency, {{ policy('default_currency') }}) as currency,
        coalesce(stores.time_zone, {{ policy('default_time_zone') }}) as time_zone,
        orders.line_count,
        orders.refund_line_count,
        orders.lines_amount,
        orders.order_amount,
        orders.ordered_at,
        orders.last_line_at,
        orders.fetched_at
    from orders
    left join stores
        on orders.store_id = stores.store_id
)

select * from localised
