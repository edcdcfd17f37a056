-- Order lines with the keys of their order and product, and amounts that carry the
-- refund's sign. One row per contact_id and ordinal.

with

order_lines as not materialized (select * from {{ ref('int_order_lines_united') }}),

stores as (select * from {{ ref('stg_alpine_iq__stores') }}),

store_names as (select * from {{ ref('int_store_names_matched') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

-- a receipt number that two contacts share is no identity of an order
order_ids_judged as (
    select
        order_id,
        min(contact_id) = max(contact_id) as is_identity
    from order_lines
    where order_id is not null
    group by order_id
),

lines_cleaned as not materialized (
    select
        order_lines.contact_id,
        order_lines.ordinal,
        order_lines.order_id,
        regexp_replace(order_lines.order_id, '[\[\]<>&]', '_', 'g')
            as real_order_part,
        coalesce(order_ids_judged.is_identity, false) as has_real_key,
        -- brackets and HTML's characters would not survive where keys are written
        order_lines.contact_id
        || ':' || coalesce(cast(epoch(order_lines.line_at) as bigint), 0)
        || ':' || coalesce(
            regexp_replace(order_lines.store_name, '[\[\]<>&]', '_', 'g'), ''
        ) as derived_order_part,
        order_lines.store_id as stated_store_id,
        order_lines.store_name,
        upper(regexp_replace(order_lines.sku, '\s+', ' ', 'g')) as sku,
        coalesce(order_lines.product_name, 'Unnamed product') as product_name,
        order_lines.brand,
        order_lines.category,
        order_lines.subcategory,
        order_lines.strain,
        order_lines.species,
        order_lines.size,
        order_lines.raw_status,
        order_lines.channel,
        order_lines.employee_name,
        order_lines.payment_type,
        order_lines.attribution_text,
        order_lines.customer_first_name,
        order_lines.customer_last_name,
        order_lines.customer_email,
        order_lines.customer_phone,
        -- an order without items shows as one line that names and costs nothing
        order_lines.sku is null
        and order_lines.product_name is null
        and coalesce(order_lines.total_price, 0) = 0 as is_empty,
        coalesce(order_lines.quantity < 0, false) as is_refund,
        coalesce(nullif(abs(order_lines.quantity), 0), 1) as quantity,
        order_lines.price,
        order_lines.discount,
        order_lines.total_price,
        order_lines.order_total,
        order_lines.line_at,
        order_lines.fetched_at
    from order_lines
    left join order_ids_judged
        on order_lines.order_id = order_ids_judged.order_id
),

lines_named as not materialized (
    select
        *,
        case when has_real_key then real_order_part else derived_order_part end
            as natural_order_part,
        -- without an SKU the name and brand are all that tells products apart
        'name:'
        || left(md5(lower(product_name) || '|' || coalesce(lower(brand), '')), 16)
            as product_name_part
    from lines_cleaned
),

known_orders as (
    select replace(source_key, 'aiq:order:', '') as known_part
    from {{ ref('int_keys_known') }}
    where entity = 'deal'
),

known_products as (
    select replace(source_key, 'aiq:product:', '') as known_part
    from {{ ref('int_keys_known') }}
    where entity = 'product'
),

visits as (
    select distinct
        lines_named.natural_order_part,
        lines_named.derived_order_part,
        lines_named.contact_id
    from lines_named
    left join known_orders as known_by_nature
        on lines_named.natural_order_part = known_by_nature.known_part
    where known_by_nature.known_part is null
),

-- a visit that was loaded before its receipt number was known, or under a contact that
-- was merged since, stays in the deal that it has
visits_known as (
    select
        visits.derived_order_part,
        known_orders.known_part
    from visits
    inner join known_orders
        on visits.derived_order_part = known_orders.known_part
    union
    select
        visits.derived_order_part,
        known_orders.known_part
    from visits
    inner join contacts_matched as owners
        on visits.contact_id = owners.contact_id
    inner join contacts_matched as former_owners
        on owners.person_contact_id = former_owners.person_contact_id
    inner join known_orders
        on
            former_owners.contact_id
            || right(
                visits.derived_order_part,
                length(visits.derived_order_part) - length(visits.contact_id)
            )
            = known_orders.known_part
),

visit_parts_kept as (
    select
        derived_order_part,
        min(known_part) as known_part
    from visits_known
    group by derived_order_part
),

order_parts_kept as (
    select
        visits.natural_order_part,
        min(visit_parts_kept.known_part) as known_part
    from visits
    inner join visit_parts_kept
        on visits.derived_order_part = visit_parts_kept.derived_order_part
    group by visits.natural_order_part
),

product_parts_kept as (
    select
        lines_named.sku,
        min(known_products.known_part) as known_part
    from lines_named
    inner join known_products
        on lines_named.product_name_part = known_products.known_part
    left join known_products as known_by_sku
        on lines_named.sku = known_by_sku.known_part
    where lines_named.sku is not null and known_by_sku.known_part is null
    group by lines_named.sku
    qualify
        row_number() over (
            partition by min(known_products.known_part) order by lines_named.sku
        ) = 1
),

lines_with_keys as (
    select
        lines_named.*,
        coalesce(stores.store_id, store_names.store_id) as store_id,
        coalesce(
            visit_parts_kept.known_part,
            order_parts_kept.known_part,
            lines_named.natural_order_part
        ) as order_part,
        coalesce(
            product_parts_kept.known_part,
            lines_named.sku,
            lines_named.product_name_part
        ) as product_part
    from lines_named
    left join order_parts_kept
        on lines_named.natural_order_part = order_parts_kept.natural_order_part
    -- an order that the ledger knows by its own key is not in order_parts_kept
    left join visit_parts_kept
        on
            lines_named.derived_order_part = visit_parts_kept.derived_order_part
            and order_parts_kept.known_part is not null
    left join product_parts_kept
        on lines_named.sku = product_parts_kept.sku
    left join stores
        on lines_named.stated_store_id = stores.store_id
    left join store_names
        on {{ case_folded('lines_named.store_name') }} = store_names.folded_name
),

keyed as (
    select
        contact_id,
        ordinal,
        order_id,
        has_real_key,
        derived_order_part,
        natural_order_part,
        order_part,
        'aiq:order:' || order_part as order_source_key,
        'aiq:product:' || product_part as product_source_key,
        'aiq:product:' || product_name_part as product_name_source_key,
        store_id,
        store_name,
        sku,
        product_name,
        brand,
        category,
        subcategory,
        strain,
        species,
        size,
        raw_status,
        channel,
        employee_name,
        payment_type,
        attribution_text,
        customer_first_name,
        customer_last_name,
        customer_email,
        customer_phone,
        is_empty,
        is_refund,
        quantity,
        abs(price) as price,
        abs(discount) as discount,
        cast(
            case
                when is_refund
                    then -1 * abs(
                        coalesce(
                            total_price,
                            price * quantity - coalesce(discount, 0),
                            0
                        )
                    )
                else coalesce(
                    total_price, price * quantity - coalesce(discount, 0), 0
                )
            end as decimal(18, 2)
        ) as line_amount,
        total_price is null as is_amount_computed,
        order_total,
        line_at,
        fetched_at
    from lines_with_keys
)

select * from keyed
