-- Lines of deals as Pipedrive will hold them. One row per source_key.

with

lines as (select * from {{ ref('int_order_lines_priced') }}),

dispositions as (
    select * from {{ ref('int_orders_dispositioned') }}
    where disposition = 'deal'
),

lines_written as (select * from {{ ref('int_order_lines_written') }}),

mapped as (

    select
        ---------- keys
        lines.source_key,
        lines.order_source_key as deal__source_key,
        lines.product_source_key as product__source_key,

        ---------- standard fields
        lines.quantity,
        lines.item_price,
        lines.discount,
        'amount' as discount_type,
        concat_ws(
            '; ',
            case when lines.is_refund then 'refund' end,
            case
                when lines.priced_by = 'adjustment' then 'order total less its lines'
            end,
            'brand: ' || lines.brand,
            'category: ' || lines.category,
            'quantity: ' || cast(cast(lines.stated_quantity as double) as varchar),
            'discount in the amount: ' || cast(
                cast(lines.stated_discount as double) as varchar
            ),
            '[' || lines.source_key || ']'
        ) as comments

    from lines

    inner join dispositions on lines.order_source_key = dispositions.source_key

    left join lines_written
        on lines.order_source_key = lines_written.order_source_key

    -- the others are one text in their deal
    where lines_written.order_source_key is null

)

select * from mapped
