-- If this fails, Pipedrive will show another value than the order had: lines give a
-- deal its value, and lines that are text should add up to it. An order without items
-- has no lines and keeps the value sent.

with

deals as (select * from {{ ref('mart_deals') }}),

deal_products as (select * from {{ ref('mart_deal_products') }}),

lines_written as (select * from {{ ref('int_order_lines_written') }}),

lines_summed as (
    select
        deal__source_key,
        sum(quantity * item_price - discount) as lines_amount
    from deal_products
    group by deal__source_key
    union all
    select
        order_source_key as deal__source_key,
        lines_amount
    from lines_written
)

select
    deals.source_key,
    deals.value,
    lines_summed.lines_amount
from deals
inner join lines_summed
    on deals.source_key = lines_summed.deal__source_key
where deals.value <> lines_summed.lines_amount
