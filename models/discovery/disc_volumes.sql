-- How much the source holds of each object. One row per object_name.

with

contacts as (select * from {{ ref('int_contacts_classified') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

order_lines as (select * from {{ ref('int_order_lines_keyed') }}),

audiences as (select * from {{ ref('stg_alpine_iq__audiences') }}),

memberships as (select * from {{ ref('stg_alpine_iq__audience_members') }}),

stores as (select * from {{ ref('stg_alpine_iq__stores') }}),

products as (select * from {{ ref('int_products_named') }}),

histories as (select * from {{ ref('int_person_histories_written') }}),

volumes as (
    select
        'contacts ' || visibility as object_name,
        count(*) as row_count
    from contacts
    group by object_name
    union all
    select
        'orders' as object_name,
        count(*) as row_count
    from orders
    union all
    select
        'orders without a real id' as object_name,
        count(*) filter (where not has_real_key) as row_count
    from orders
    union all
    select
        'order lines' as object_name,
        count(*) as row_count
    from order_lines
    union all
    select
        'audiences' as object_name,
        count(*) as row_count
    from audiences
    union all
    select
        'memberships' as object_name,
        count(*) as row_count
    from memberships
    union all
    select
        'stores' as object_name,
        count(*) as row_count
    from stores
    union all
    -- one note each by policy history_notes; plan_history_ways compares what it costs
    select
        'persons with a history of points or campaigns' as object_name,
        count(*) as row_count
    from histories
    union all
    select
        'products' as object_name,
        count(*) as row_count
    from products
)

select * from volumes
