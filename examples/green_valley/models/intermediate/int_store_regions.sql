-- The sales region of each store, as the customer decided. One row per store_source_key.

with

store_regions as (select * from {{ ref('store_regions') }}),

trimmed as (
    select
        store_source_key,
        nullif(trim(region), '') as region
    from store_regions
)

select * from trimmed
