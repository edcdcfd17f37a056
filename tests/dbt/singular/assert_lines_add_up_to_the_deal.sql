-- If this fails, Pipedrive will show another value than the order had: lines give a
-- deal its value. An order without items has no lines and keeps the value sent.

with

deals as (select * from {{ ref('mart_deals') }}),

deal_products as (select * from {{ ref('mart_deal_products') }}),

lines_summed as (
    select
        deal__source_key,
        sum(quantity * item_price - discount) as lines_amount
    from deal_products
    group by deal__source_key
)

select
    deals.source_key,
    deals.value,
    lines_summed.lines_amount
from deals
inner join lines_summed
    on deals.source_key = lines_summed.deal__source_key
where deals.value <> lines_summed.lines_amount
