-- Order lines, both lanes united: the lines of the readings that count, and what they
-- lack from the other lane. One row per contact_id and ordinal.
--
-- A view: millions of wide rows are written once, as keyed lines, and not twice. What
-- is read in several steps is named in each: a CTE of it would be kept in memory whole.

{{ config(materialized='view') }}

with

lines_taken as (
    select
        *,
        lower(product_name) as folded_product
    from {{ ref('int_order_lines_read') }}
    where why_left_out is null
),

lines_of_the_other_lane as (
    select
        *,
        lower(product_name) as folded_product
    from {{ ref('int_order_lines_read') }}
    where why_left_out = 'other_lane_is_newer'
),

-- lines of a second reading of a contact come after those of the first
readings_counted as (
    select
        contact_id,
        lane,
        read_contact_id,
        max(ordinal) as last_ordinal
    from {{ ref('int_order_lines_read') }}
    where why_left_out is null
    group by contact_id, lane, read_contact_id
),

readings_placed as (
    select
        contact_id,
        lane,
        read_contact_id,
        cast(
            sum(last_ordinal)
                over (partition by contact_id order by lane asc, read_contact_id asc)
            - last_ordinal as bigint
        ) as lines_before
    from readings_counted
),

-- equal goods in equal number are the same line, whichever lane shows it
twins as (
    select
        contact_id,
        visit_key,
        line_second,
        folded_product,
        quantity,
        min(sku) as sku,
        min(brand) as brand,
        min(category) as category,
        min(subcategory) as subcategory,
        min(strain) as strain,
        min(species) as species,
        min(size) as size,
        min(cost) as cost,
        case when count(distinct total_price) = 1 then min(total_price) end
            as total_price
    from lines_of_the_other_lane
    group by contact_id, visit_key, line_second, folded_product, quantity
),

visits as (
    select
        contact_id,
        visit_key,
        line_second,
        arg_min(store_id, ordinal) as store_id,
        arg_min(raw_status, ordinal) as raw_status,
        arg_min(channel, ordinal) as channel,
        arg_min(employee_name, ordinal) as employee_name,
        arg_min(payment_type, ordinal) as payment_type,
        arg_min(attribution_text, ordinal) as attribution_text,
        arg_min(customer_first_name, ordinal) as customer_first_name,
        arg_min(customer_last_name, ordinal) as customer_last_name,
        arg_min(customer_email, ordinal) as customer_email,
        arg_min(customer_phone, ordinal) as customer_phone,
        case when count(distinct order_total) = 1 then min(order_total) end
            as order_total
    from lines_of_the_other_lane
    group by contact_id, visit_key, line_second
),

united as (
    select
        lines_taken.contact_id,
        readings_placed.lines_before + lines_taken.ordinal as ordinal,
        lines_taken.lane,
        case
            when lines_taken.order_id is null then null
            when lines_taken.has_stated_order_id then lines_taken.lane
            else 'export'
        end as order_id_lane,
        lines_taken.order_id,
        lines_taken.store_name,
        lines_taken.product_name,
        coalesce(lines_taken.sku, twins.sku) as sku,
        coalesce(lines_taken.brand, twins.brand) as brand,
        coalesce(lines_taken.category, twins.category) as category,
        coalesce(lines_taken.subcategory, twins.subcategory) as subcategory,
        coalesce(lines_taken.strain, twins.strain) as strain,
        coalesce(lines_taken.species, twins.species) as species,
        coalesce(lines_taken.size, twins.size) as size,
        coalesce(lines_taken.store_id, visits.store_id) as store_id,
        coalesce(lines_taken.raw_status, visits.raw_status) as raw_status,
        coalesce(lines_taken.channel, visits.channel) as channel,
        coalesce(lines_taken.employee_name, visits.employee_name) as employee_name,
        coalesce(lines_taken.payment_type, visits.payment_type) as payment_type,
        coalesce(lines_taken.attribution_text, visits.attribution_text)
            as attribution_text,
        coalesce(lines_taken.customer_first_name, visits.customer_first_name)
            as customer_first_name,
        coalesce(lines_taken.customer_last_name, visits.customer_last_name)
            as customer_last_name,
        coalesce(lines_taken.customer_email, visits.customer_email) as customer_email,
        coalesce(lines_taken.customer_phone, visits.customer_phone) as customer_phone,
        lines_taken.quantity,
        coalesce(lines_taken.cost, twins.cost) as cost,
        lines_taken.price,
        lines_taken.discount,
        coalesce(lines_taken.total_price, twins.total_price) as total_price,
        coalesce(lines_taken.order_total, visits.order_total) as order_total,
        lines_taken.line_at,
        lines_taken.fetched_at,
        concat_ws(
            ', ',
            {{ filled_by('twins', 'sku') }},
            {{ filled_by('twins', 'brand') }},
            {{ filled_by('twins', 'category') }},
            {{ filled_by('twins', 'subcategory') }},
            {{ filled_by('twins', 'strain') }},
            {{ filled_by('twins', 'species') }},
            {{ filled_by('twins', 'size') }},
            {{ filled_by('twins', 'cost') }},
            {{ filled_by('twins', 'total_price') }},
            {{ filled_by('visits', 'store_id') }},
            {{ filled_by('visits', 'raw_status') }},
            {{ filled_by('visits', 'channel') }},
            {{ filled_by('visits', 'employee_name') }},
            {{ filled_by('visits', 'payment_type') }},
            {{ filled_by('visits', 'attribution_text') }},
            {{ filled_by('visits', 'customer_first_name') }},
            {{ filled_by('visits', 'customer_last_name') }},
            {{ filled_by('visits', 'customer_email') }},
            {{ filled_by('visits', 'customer_phone') }},
            {{ filled_by('visits', 'order_total') }}
        ) as from_other_lane
    from lines_taken
    inner join readings_placed
        on
            lines_taken.contact_id = readings_placed.contact_id
            and lines_taken.lane = readings_placed.lane
            and lines_taken.read_contact_id = readings_placed.read_contact_id
    left join twins
        on
            lines_taken.contact_id = twins.contact_id
            and lines_taken.visit_key = twins.visit_key
            and lines_taken.line_second = twins.line_second
            and lines_taken.folded_product is not distinct from twins.folded_product
            and lines_taken.quantity is not distinct from twins.quantity
    left join visits
        on
            lines_taken.contact_id = visits.contact_id
            and lines_taken.visit_key = visits.visit_key
            and lines_taken.line_second = visits.line_second
)

select * from united
