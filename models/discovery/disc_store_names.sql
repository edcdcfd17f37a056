-- Store names that fit no store, or several. One row per folded_name.

with

store_names as (select * from {{ ref('int_store_names_matched') }}),

mismatches as (
    select
        folded_name,
        matched_by as problem,
        use_count
    from store_names
    where store_id is null
)

select * from mismatches
