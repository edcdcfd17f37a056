-- Former keys of records that have another key now. One row per former_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

former_keys as (
    select
        'person' as entity,
        'aiq:contact:' || contact_id as former_key,
        person_source_key as present_key,
        rule as why
    from contacts_matched
    where contact_id <> person_contact_id
    union all
    -- before its real id was known an order was keyed by contact, time and store
    select
        'deal' as entity,
        'aiq:order:' || derived_order_part as former_key,
        source_key as present_key,
        'real_order_id_arrived' as why
    from orders
    where has_real_key
),

-- a former key that fits two records can't say which of them it meant
aliases as (
    select
        entity,
        former_key,
        min(present_key) as present_key,
        min(why) as why
    from former_keys
    group by entity, former_key
    having count(distinct present_key) = 1
)

select * from aliases
