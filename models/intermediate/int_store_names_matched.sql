-- Store names as orders and contacts write them, matched to stores.
-- One row per case-folded name; store_id is null where none or several fit.

with

stores as (select * from {{ ref('stg_alpine_iq__stores') }}),

order_lines as (
    select store_name
    from {{ ref('int_order_lines_read') }}
    where why_left_out is null
),

contacts as (select * from {{ ref('int_contacts_united') }}),

names_written as (
    select
        store_name as written_name,
        count(*) as use_count
    from order_lines
    group by store_name
    union all
    select
        favorite_store_name as written_name,
        count(*) as use_count
    from contacts
    group by favorite_store_name
),

names_counted as (
    select
        {{ case_folded('written_name') }} as folded_name,
        sum(use_count) as use_count
    from names_written
    where written_name is not null
    group by folded_name
),

names_of_stores as (
    select
        store_id,
        {{ case_folded('store_name') }} as folded_name,
        'name' as matched_by,
        1 as rule_rank
    from stores
    union all
    select
        store_id,
        {{ case_folded('nickname') }} as folded_name,
        'nickname' as matched_by,
        3 as rule_rank
    from stores
    union all
    select
        store_id,
        {{ case_folded('unnest(source_names)') }} as folded_name,
        'source_mapping' as matched_by,
        2 as rule_rank
    from stores
),

candidates as (
    select
        names_counted.folded_name,
        names_counted.use_count,
        names_of_stores.store_id,
        names_of_stores.matched_by,
        names_of_stores.rule_rank
    from names_counted
    left join names_of_stores
        on names_counted.folded_name = names_of_stores.folded_name
    qualify
        rank() over (
            partition by names_counted.folded_name
            order by names_of_stores.rule_rank
        ) = 1
),

matched as (
    select
        folded_name,
        max(use_count) as use_count,
        case when count(distinct store_id) = 1 then min(store_id) end as store_id,
        case
            when count(distinct store_id) = 0 then 'no_match'
            when count(distinct store_id) > 1 then 'several_stores'
            else min(matched_by)
        end as matched_by
    from candidates
    group by folded_name
)

select * from matched
