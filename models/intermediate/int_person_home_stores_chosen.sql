-- Home store of each person: the favourite store if it exists, else the store that the
-- favourite's name fits, else the store of most orders. One row per source_key.

with

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

store_names as (select * from {{ ref('int_store_names_matched') }}),

order_sums as (select * from {{ ref('int_person_orders_summed') }}),

stores_proposed as (
    select
        persons.source_key,
        stores.store_id as favorite_store_id,
        store_names.store_id as named_store_id,
        order_sums.most_visited_store_id
    from persons
    left join stores
        on persons.favorite_store_id = stores.store_id
    left join store_names
        on {{ case_folded('persons.favorite_store_name') }} = store_names.folded_name
    left join order_sums
        on persons.source_key = order_sums.source_key
    where not persons.is_suppressed
),

chosen as (
    select
        source_key,
        coalesce(favorite_store_id, named_store_id, most_visited_store_id) as store_id,
        case
            when favorite_store_id is not null then 'favorite_store_id'
            when named_store_id is not null then 'favorite_store_name'
            when most_visited_store_id is not null then 'store_of_most_orders'
        end as rule
    from stores_proposed
    where coalesce(favorite_store_id, named_store_id, most_visited_store_id) is not null
)

select * from chosen
