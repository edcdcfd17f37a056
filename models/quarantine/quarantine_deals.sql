-- Orders that do not load as deals, with the rule and what to do.
-- One row per source_key.

with

dispositions as (select * from {{ ref('int_orders_dispositioned') }}),

orders as (select * from {{ ref('int_orders_localised') }}),

actions as (
    select * from {{ ref('quarantine_rules') }}
    where entity = 'deal'
),

quarantined as (
    select
        dispositions.source_key,
        dispositions.quarantine_rule as rule,
        orders.raw_status,
        orders.order_amount,
        orders.currency,
        actions.what_to_do
    from dispositions
    left join orders
        on dispositions.source_key = orders.source_key
    left join actions
        on dispositions.quarantine_rule = actions.rule
    where dispositions.disposition = 'quarantined'
)

select * from quarantined
