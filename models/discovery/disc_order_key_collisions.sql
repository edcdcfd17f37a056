-- Orders whose key may hold several receipts, or a receipt that several contacts show.
-- One row per source_key and problem.

with

order_lines as (select * from {{ ref('int_order_lines_keyed') }}),

shared_receipts as (
    select
        order_source_key as source_key,
        'receipt_number_shared_by_contacts' as problem,
        count(*) as line_count
    from order_lines
    where order_id is not null and not has_real_key
    group by order_source_key
),

lines_repeated as (
    select
        order_source_key,
        product_source_key,
        quantity,
        line_amount,
        is_refund,
        count(*) as line_count
    from order_lines
    where not has_real_key
    group by order_source_key, product_source_key, quantity, line_amount, is_refund
    having count(*) > 1
),

possible_collapses as (
    select
        order_source_key as source_key,
        'same_line_twice_without_a_real_id' as problem,
        sum(line_count) as line_count
    from lines_repeated
    group by order_source_key
),

collisions as (
    select
        source_key,
        problem,
        line_count
    from shared_receipts
    union all
    select
        source_key,
        problem,
        line_count
    from possible_collapses
)

select * from collisions
