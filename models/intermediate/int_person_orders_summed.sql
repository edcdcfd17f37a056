-- What each person's orders say about the person. One row per source_key that ordered.

with

orders as (select * from {{ ref('int_orders_localised') }}),

dispositions as (select * from {{ ref('int_orders_dispositioned') }}),

orders_of_persons as (
    select
        dispositions.person_source_key as source_key,
        orders.store_id,
        orders.ordered_at,
        orders.time_zone,
        orders.currency
    from orders
    inner join dispositions
        on orders.source_key = dispositions.source_key
    where dispositions.person_source_key is not null
),

stores_counted as (
    select
        source_key,
        store_id,
        count(*) as order_count,
        max(ordered_at) as last_ordered_at
    from orders_of_persons
    where store_id is not null
    group by source_key, store_id
    qualify
        row_number() over (
            partition by source_key
            order by
                count(*) desc, max(ordered_at) desc nulls last, store_id asc
        ) = 1
),

summed as (
    select
        orders_of_persons.source_key,
        count(*) as order_count,
        max(
            cast(
                timezone(
                    orders_of_persons.time_zone,
                    timezone('UTC', orders_of_persons.ordered_at)
                ) as date
            )
        ) as last_order_date,
        min(orders_of_persons.currency) as currency,
        min(stores_counted.store_id) as most_visited_store_id
    from orders_of_persons
    left join stores_counted
        on orders_of_persons.source_key = stores_counted.source_key
    group by orders_of_persons.source_key
)

select * from summed
