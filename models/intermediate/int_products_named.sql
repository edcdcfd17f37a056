-- Products found on order lines; of several names the one on most lines wins, then the
-- latest. One row per source_key.

with

-- read where it is asked for: kept whole, it would be the largest thing in memory
order_lines as not materialized (
    select * from {{ ref('int_order_lines_keyed') }}
    where not is_empty
),

orders as (select * from {{ ref('int_orders_localised') }}),

names_counted as (
    select
        product_source_key,
        product_name,
        count(*) as line_count,
        max(line_at) as last_line_at
    from order_lines
    group by product_source_key, product_name
),

names_ranked as (
    select
        product_source_key,
        product_name,
        row_number() over (
            partition by product_source_key
            order by line_count desc, last_line_at desc nulls last, product_name asc
        ) as name_rank
    from names_counted
),

names_chosen as (
    select
        product_source_key,
        min(product_name) filter (where name_rank = 1) as product_name,
        string_agg(product_name, '; ' order by name_rank)
        filter (where name_rank > 1) as other_names
    from names_ranked
    group by product_source_key
),

-- PRE-ROLL, Pre-Roll and pre-roll are one option, spelled as on most lines
categories_ranked as (
    select
        {{ case_folded('category') }} as folded_category,
        category
    from order_lines
    where category is not null
    group by folded_category, category
    qualify
        row_number() over (
            partition by {{ case_folded('category') }}
            order by count(*) desc, category asc
        ) = 1
),

facts_counted as (
    {% for fact in ['brand', 'category', 'subcategory', 'strain', 'species', 'size'] %}
        select
            product_source_key,
            '{{ fact }}' as fact_name,
            {{ case_folded(fact) if fact == 'category' else fact }} as fact_value,
            count(*) as line_count
        from order_lines
        where {{ fact }} is not null
        group by product_source_key, fact_value
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- what most lines say; of equally many the first by the alphabet
facts_ranked as (
    select
        product_source_key,
        fact_name,
        fact_value
    from facts_counted
    qualify
        row_number() over (
            partition by product_source_key, fact_name
            order by line_count desc, fact_value asc
        ) = 1
),

facts_chosen as (
    select
        product_source_key,
        max(fact_value) filter (where fact_name = 'brand') as brand,
        max(fact_value) filter (where fact_name = 'category') as folded_category,
        max(fact_value) filter (where fact_name = 'subcategory') as subcategory,
        max(fact_value) filter (where fact_name = 'strain') as strain,
        max(fact_value) filter (where fact_name = 'species') as species,
        max(fact_value) filter (where fact_name = 'size') as size
    from facts_ranked
    group by product_source_key
),

skus_chosen as (
    select
        product_source_key,
        max(sku) as sku
    from order_lines
    group by product_source_key
),

prices_latest as (
    select
        order_lines.product_source_key,
        orders.currency,
        coalesce(
            order_lines.price,
            abs(order_lines.line_amount) / order_lines.quantity
        ) as price
    from order_lines
    inner join orders
        on order_lines.order_source_key = orders.source_key
    where not order_lines.is_refund
    qualify
        row_number() over (
            partition by order_lines.product_source_key, orders.currency
            order by
                order_lines.line_at desc nulls last,
                order_lines.contact_id asc,
                order_lines.ordinal asc
        ) = 1
),

prices_listed as (
    select
        product_source_key,
        list(
            struct_pack(price := cast(price as decimal(18, 2)), currency := currency)
            order by currency
        ) as prices
    from prices_latest
    group by product_source_key
),

named as (
    select
        names_chosen.product_source_key as source_key,
        names_chosen.product_name,
        names_chosen.other_names,
        skus_chosen.sku,
        facts_chosen.brand,
        categories_ranked.category,
        facts_chosen.subcategory,
        facts_chosen.strain,
        facts_chosen.species,
        facts_chosen.size,
        prices_listed.prices
    from names_chosen
    inner join skus_chosen
        on names_chosen.product_source_key = skus_chosen.product_source_key
    left join facts_chosen
        on names_chosen.product_source_key = facts_chosen.product_source_key
    left join categories_ranked
        on facts_chosen.folded_category = categories_ranked.folded_category
    left join prices_listed
        on names_chosen.product_source_key = prices_listed.product_source_key
)

select * from named
