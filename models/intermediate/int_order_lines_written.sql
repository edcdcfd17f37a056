-- Lines of an order as one text in its deal's own call (order strategy lines_as_text):
-- a JSON list, one line of text per order line. One row per order that crosses so.
--
-- An order of which a line is in Pipedrive already keeps lines, and one whose text is
-- longer than the field holds gets lines as well: nothing is cut.

with

lines as (select * from {{ ref('int_order_lines_priced') }}),

dispositions as (
    select * from {{ ref('int_orders_dispositioned') }}
    where
        disposition = 'deal'
        and '{{ decided_setting('order_strategy') }}' = 'lines_as_text'
),

products as (select * from {{ ref('int_products_named') }}),

lines_known as (
    select source_key from {{ ref('int_keys_known') }}
    where entity = 'deal_product'
),

orders_with_lines as (
    select distinct lines.order_source_key
    from lines
    inner join lines_known
        on lines.source_key = lines_known.source_key
),

-- what is not stated is left out
lines_written as (
    select
        lines.order_source_key,
        lines.line_number,
        lines.line_amount,
        json_merge_patch(
            '{}',
            to_json(
                {
                    'sku': products.sku,
                    'product': lines.product_name,
                    'brand': lines.brand,
                    'category': lines.category,
                    'quantity': cast(
                        coalesce(lines.stated_quantity, lines.quantity) as double
                    ),
                    'price': cast(lines.item_price as double),
                    'discount': cast(
                        coalesce(lines.stated_discount, lines.discount) as double
                    ),
                    'amount': cast(lines.line_amount as double),
                    'refund': if(lines.is_refund, true, null),
                    'key': lines.source_key
                }
            )
        ) as line_text
    from lines
    inner join dispositions
        on lines.order_source_key = dispositions.source_key
    left join orders_with_lines
        on lines.order_source_key = orders_with_lines.order_source_key
    left join products
        on lines.product_source_key = products.source_key
    where orders_with_lines.order_source_key is null
),

orders_written as (
    select
        order_source_key,
        '['
        || string_agg(
            cast(line_text as varchar), ',' || chr(10) order by line_number asc
        )
        || ']' as lines_text,
        count(*) as line_count,
        sum(line_amount) as lines_amount
    from lines_written
    group by order_source_key
),

fitting as (
    select
        order_source_key,
        lines_text,
        line_count,
        lines_amount
    from orders_written
    where length(lines_text) <= 65000
)

select * from fitting
