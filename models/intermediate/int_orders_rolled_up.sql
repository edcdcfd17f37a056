-- Order lines rolled up to orders. One row per source_key.

with

order_lines as not materialized (select * from {{ ref('int_order_lines_keyed') }}),

-- a refund under the sale's receipt number has a time and a total of its own
totals_by_visit as (
    select
        order_source_key,
        line_at,
        -- two totals for one visit contradict each other: then neither is believed
        case
            when count(distinct order_total) = 1 and bool_and(is_refund)
                then -1 * abs(max(order_total))
            when count(distinct order_total) = 1 then max(order_total)
        end as stated_total
    from order_lines
    group by order_source_key, line_at
),

totals_stated as (
    select
        order_source_key,
        case
            when count(stated_total) = count(*) then sum(stated_total)
        end as stated_total
    from totals_by_visit
    group by order_source_key
),

rolled_up as (
    select
        order_source_key as source_key,
        min(order_part) as order_part,
        min(contact_id) as contact_id,
        min(order_id) as order_id,
        bool_and(has_real_key) as has_real_key,
        min(derived_order_part) as derived_order_part,
        min(natural_order_part) as natural_order_part,
        arg_min(store_id, struct_pack(line_at := line_at, ordinal := ordinal))
            as store_id,
        arg_min(store_name, struct_pack(line_at := line_at, ordinal := ordinal))
            as store_name,
        arg_max(raw_status, struct_pack(line_at := line_at, ordinal := ordinal))
            as raw_status,
        count(distinct lower(raw_status)) as raw_status_count,
        arg_min(channel, struct_pack(line_at := line_at, ordinal := ordinal))
            as channel,
        arg_min(employee_name, struct_pack(line_at := line_at, ordinal := ordinal))
            as employee_name,
        arg_min(payment_type, struct_pack(line_at := line_at, ordinal := ordinal))
            as payment_type,
        arg_min(attribution_text, struct_pack(line_at := line_at, ordinal := ordinal))
            as attribution_text,
        arg_min(
            nullif(
                concat_ws(
                    ', ',
                    nullif(concat_ws(' ', customer_first_name, customer_last_name), ''),
                    customer_email,
                    customer_phone
                ),
                ''
            ),
            struct_pack(line_at := line_at, ordinal := ordinal)
        ) as customer_text,
        count(*) as line_count,
        count(*) filter (where is_refund) as refund_line_count,
        sum(line_amount) as lines_amount,
        min(line_at) as ordered_at,
        max(line_at) as last_line_at,
        max(fetched_at) as fetched_at
    from order_lines
    group by order_source_key
),

totalled as (
    select
        rolled_up.source_key,
        rolled_up.order_part,
        rolled_up.contact_id,
        rolled_up.order_id,
        rolled_up.has_real_key,
        rolled_up.derived_order_part,
        rolled_up.natural_order_part,
        rolled_up.store_id,
        rolled_up.store_name,
        rolled_up.raw_status,
        rolled_up.raw_status_count,
        rolled_up.channel,
        rolled_up.employee_name,
        rolled_up.payment_type,
        rolled_up.attribution_text,
        rolled_up.customer_text,
        rolled_up.line_count,
        rolled_up.refund_line_count,
        cast(rolled_up.lines_amount as decimal(18, 2)) as lines_amount,
        cast(
            coalesce(totals_stated.stated_total, rolled_up.lines_amount)
            as decimal(18, 2)
        ) as order_amount,
        rolled_up.ordered_at,
        rolled_up.last_line_at,
        rolled_up.fetched_at
    from rolled_up
    left join totals_stated
        on rolled_up.source_key = totals_stated.order_source_key
)

select * from totalled
