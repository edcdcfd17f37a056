-- Order lines that do not load, because their order does not. One row per source_key.

with

lines as (select * from {{ ref('int_order_lines_priced') }}),

dispositions as (select * from {{ ref('int_orders_dispositioned') }}),

quarantined as (
    select
        lines.source_key,
        lines.order_source_key as deal_source_key,
        'order_is_quarantined' as rule,
        'see quarantine_deals: ' || dispositions.quarantine_rule as what_to_do
    from lines
    inner join dispositions
        on lines.order_source_key = dispositions.source_key
    where dispositions.disposition = 'quarantined'
)

select * from quarantined
