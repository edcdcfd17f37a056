-- Lines as Pipedrive multiplies them: quantity x item price less discount is exactly
-- the line's amount; refunds have a negative price; one adjustment line per order
-- carries what the order's total has beyond its lines. One row per source_key.

with

order_lines as (select * from {{ ref('int_order_lines_keyed') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

-- the source promises no order of lines: their content numbers them, later lines last
lines_numbered as (
    select
        order_source_key,
        order_part,
        product_source_key,
        product_name,
        brand,
        category,
        is_refund,
        quantity,
        price,
        coalesce(discount, 0) as discount,
        line_amount,
        row_number() over (
            partition by order_source_key
            order by
                -- what both lanes say comes first: the SKU may arrive later
                line_at asc nulls first,
                product_name asc,
                line_amount asc,
                quantity asc,
                product_source_key asc,
                price asc nulls first,
                discount asc nulls first,
                ordinal asc
        ) as line_number
    from order_lines
    where not is_empty
),

lines_tried as (
    select
        order_source_key,
        order_part,
        product_source_key,
        product_name,
        brand,
        category,
        is_refund,
        quantity,
        price,
        discount,
        line_amount,
        line_number,
        case
            when
                not is_refund and discount > 0
                and price * quantity - discount = line_amount
                then 'price_before_discount'
            when
                not is_refund
                and cast(price * quantity as decimal(18, 2)) = price * quantity
                and price * quantity = line_amount
                then 'price_after_discount'
            when
                cast(round(abs(line_amount) / quantity, 2) as decimal(18, 2)) * quantity
                = abs(line_amount)
                then 'amount_divided'
            else 'amount_as_one'
        end as priced_by
    from lines_numbered
),

lines_priced as (
    select
        'aiq:line:' || order_part || ':' || line_number as source_key,
        order_source_key,
        product_source_key,
        case when priced_by = 'amount_as_one' then 1 else quantity end as quantity,
        case priced_by
            when 'price_before_discount' then price
            when 'price_after_discount' then price
            when 'amount_divided' then round(line_amount / quantity, 2)
            else line_amount
        end as item_price,
        case when priced_by = 'price_before_discount' then discount else 0 end
            as discount,
        line_amount,
        priced_by,
        case
            when priced_by = 'amount_as_one' and quantity <> 1 then quantity
        end as stated_quantity,
        case
            when priced_by <> 'price_before_discount' and discount > 0 then discount
        end as stated_discount,
        brand,
        category,
        product_name,
        is_refund,
        line_number
    from lines_tried
),

adjustments as (
    select
        'aiq:line:' || orders.order_part || ':adjustment' as source_key,
        orders.source_key as order_source_key,
        'aiq:product:adjustment' as product_source_key,
        1 as quantity,
        orders.order_amount - orders.lines_amount as item_price,
        0 as discount,
        orders.order_amount - orders.lines_amount as line_amount,
        'adjustment' as priced_by,
        null as stated_quantity,
        null as stated_discount,
        null as brand,
        null as category,
        'Order adjustment' as product_name,
        false as is_refund,
        orders.line_count + 1 as line_number
    from orders
    where orders.order_amount <> orders.lines_amount
),

priced as (
    select
        source_key,
        order_source_key,
        product_source_key,
        cast(quantity as decimal(18, 4)) as quantity,
        cast(item_price as decimal(18, 4)) as item_price,
        cast(discount as decimal(18, 4)) as discount,
        cast(line_amount as decimal(18, 2)) as line_amount,
        priced_by,
        cast(stated_quantity as decimal(18, 4)) as stated_quantity,
        cast(stated_discount as decimal(18, 4)) as stated_discount,
        brand,
        category,
        product_name,
        is_refund,
        line_number
    from lines_priced
    union all
    select
        source_key,
        order_source_key,
        product_source_key,
        cast(quantity as decimal(18, 4)) as quantity,
        cast(item_price as decimal(18, 4)) as item_price,
        cast(discount as decimal(18, 4)) as discount,
        cast(line_amount as decimal(18, 2)) as line_amount,
        priced_by,
        cast(stated_quantity as decimal(18, 4)) as stated_quantity,
        cast(stated_discount as decimal(18, 4)) as stated_discount,
        brand,
        category,
        product_name,
        is_refund,
        line_number
    from adjustments
)

select * from priced
