-- Other keys that a record had, or would have by the source alone, and the one in use.
-- One row per former_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

order_lines as (select * from {{ ref('int_order_lines_keyed') }}),

former_keys as (
    select
        'person' as entity,
        'aiq:contact:' || contact_id as former_key,
        person_source_key as present_key,
        rule as why
    from contacts_matched
    where 'aiq:contact:' || contact_id <> person_source_key
    union all
    -- before its real id was known an order was keyed by contact, time and store
    select
        'deal' as entity,
        'aiq:order:' || derived_order_part as former_key,
        source_key as present_key,
        'real_order_id_arrived' as why
    from orders
    where has_real_key and 'aiq:order:' || derived_order_part <> source_key
    union all
    select
        'deal' as entity,
        'aiq:order:' || natural_order_part as former_key,
        source_key as present_key,
        'the_ledger_knows_the_present_key' as why
    from orders
    where 'aiq:order:' || natural_order_part <> source_key
    union all
    select
        'product' as entity,
        product_name_source_key as former_key,
        product_source_key as present_key,
        'sku_arrived' as why
    from order_lines
    where product_name_source_key <> product_source_key
    union all
    select
        'product' as entity,
        'aiq:product:' || sku as former_key,
        product_source_key as present_key,
        'the_ledger_knows_the_present_key' as why
    from order_lines
    where 'aiq:product:' || sku <> product_source_key
),

-- a former key that fits two records can't say which of them it meant; one that is in
-- use is no former key
aliases as (
    select
        entity,
        former_key,
        min(present_key) as present_key,
        min(why) as why
    from former_keys
    where former_key not in (select orders.source_key from orders)
    group by entity, former_key
    having count(distinct present_key) = 1
)

select * from aliases
