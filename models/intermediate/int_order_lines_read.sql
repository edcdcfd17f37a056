-- Order lines as every reading of the source shows them, and which readings count: an
-- order comes whole from one lane, a visit from one reading. A contact's answer and a
-- sales export are one reading each. One row per lane, read_contact_id and ordinal.

with

api_lines as not materialized (
    select * from {{ ref('stg_alpine_iq__order_lines') }}
),

export_lines as not materialized (
    select * from {{ ref('stg_alpine_iq__export_sales_lines') }}
),

classified as (select * from {{ ref('int_contacts_classified') }}),

-- texts are cleaned where few different ones are stored: each is looked at once
lines_of_lanes as not materialized (
    select
        'api' as lane,
        'contact' as reading,
        contact_id as read_contact_id,
        ordinal,
        order_id as stated_order_id,
        store_id,
        store_name,
        {{ clean_text('sku') }} as sku,
        {{ clean_text('product_name') }} as product_name,
        {{ clean_text('brand') }} as brand,
        {{ clean_text('category') }} as category,
        {{ clean_text('subcategory') }} as subcategory,
        {{ clean_text('strain') }} as strain,
        {{ clean_text('species') }} as species,
        {{ clean_text('size') }} as size,
        {{ clean_text('raw_status') }} as raw_status,
        {{ clean_text('channel') }} as channel,
        {{ clean_text('employee_name') }} as employee_name,
        {{ clean_text('payment_type') }} as payment_type,
        {{ visible_text('attribution_text') }} as attribution_text,
        {{ clean_text('customer_first_name') }} as customer_first_name,
        {{ clean_text('customer_last_name') }} as customer_last_name,
        {{ clean_text('customer_email') }} as customer_email,
        {{ clean_text('customer_phone') }} as customer_phone,
        quantity,
        price,
        discount,
        total_price,
        order_total,
        line_at,
        fetched_at
    from api_lines
    union all by name
    -- what an export does not state is null
    select
        'export' as lane,
        file_name as reading,
        coalesce(contact_id, '') as read_contact_id,
        row_number() over (
            partition by contact_id
            order by line_at asc nulls first, order_id asc, line_key asc
        ) as ordinal,
        order_id as stated_order_id,
        store_name,
        {{ clean_text('sku') }} as sku,
        {{ clean_text('product_name') }} as product_name,
        {{ clean_text('brand') }} as brand,
        {{ clean_text('category') }} as category,
        {{ clean_text('subcategory') }} as subcategory,
        {{ clean_text('employee_name') }} as employee_name,
        quantity,
        cost,
        price,
        discount,
        line_at,
        fetched_at
    from export_lines
),

-- what a merged contact bought is its survivor's, and both may have been asked for it
lines_owned as not materialized (
    select
        lines_of_lanes.*,
        coalesce(classified.merged_into_contact_id, lines_of_lanes.read_contact_id)
            as contact_id,
        coalesce(cast(epoch(lines_of_lanes.line_at) as bigint), 0) as line_second,
        coalesce({{ case_folded('lines_of_lanes.store_name') }}, '') as folded_store
    from lines_of_lanes
    left join classified
        on lines_of_lanes.read_contact_id = classified.contact_id
),

-- the API may show lines without a receipt number; an export has the numbers
receipts_by_store as (
    select
        contact_id,
        line_second,
        folded_store,
        min(stated_order_id) as order_id,
        count(distinct stated_order_id) as receipt_count
    from lines_owned
    where lane = 'export' and stated_order_id is not null
    group by contact_id, line_second, folded_store
),

receipts_by_second as (
    select
        contact_id,
        line_second,
        min(order_id) as order_id,
        sum(receipt_count) as receipt_count
    from receipts_by_store
    group by contact_id, line_second
),

lines_identified as not materialized (
    select
        lines_owned.*,
        coalesce(
            lines_owned.stated_order_id,
            case
                when receipts_by_store.receipt_count = 1
                    then receipts_by_store.order_id
                when
                    receipts_by_store.receipt_count is null
                    and receipts_by_second.receipt_count = 1
                    then receipts_by_second.order_id
            end
        ) as order_id,
        -- two receipts of one second in one store, which only the export tells apart
        lines_owned.stated_order_id is null
        and coalesce(receipts_by_store.receipt_count > 1, false) as is_indistinct
    from lines_owned
    left join receipts_by_store
        on
            lines_owned.contact_id = receipts_by_store.contact_id
            and lines_owned.line_second = receipts_by_store.line_second
            and lines_owned.folded_store = receipts_by_store.folded_store
    left join receipts_by_second
        on
            lines_owned.contact_id = receipts_by_second.contact_id
            and lines_owned.line_second = receipts_by_second.line_second
),

lines_grouped as not materialized (
    select
        *,
        coalesce(order_id, line_second || ':' || folded_store) as visit_key
    from lines_identified
),

-- nearly all visits have one reading: only the others are judged
visits_by_reading as (
    select
        contact_id,
        visit_key,
        lane,
        line_second,
        reading || '|' || read_contact_id as reading,
        max(fetched_at) as fetched_at
    from lines_grouped
    group by all
),

-- the lane that was read last has the order as it is now
lanes_judged as (
    select
        contact_id,
        visit_key,
        arg_max(lane, struct_pack(fetched_at := fetched_at, lane := lane)) as lane
    from visits_by_reading
    group by contact_id, visit_key
    having min(lane) <> max(lane)
),

readings_judged as (
    select
        contact_id,
        visit_key,
        lane,
        line_second,
        arg_max(
            reading, struct_pack(fetched_at := fetched_at, reading := reading)
        ) as reading
    from visits_by_reading
    group by contact_id, visit_key, lane, line_second
    having min(reading) <> max(reading)
),

lines_read as (
    select
        lines_grouped.lane,
        lines_grouped.read_contact_id,
        lines_grouped.ordinal,
        lines_grouped.contact_id,
        lines_grouped.visit_key,
        lines_grouped.line_second,
        case
            when lines_grouped.is_indistinct then 'receipts_told_apart_by_export'
            when lines_grouped.lane <> lanes_judged.lane then 'other_lane_is_newer'
            when
                lines_grouped.reading || '|' || lines_grouped.read_contact_id
                <> readings_judged.reading
                then 'read_again_later'
        end as why_left_out,
        lines_grouped.order_id,
        lines_grouped.stated_order_id is not null as has_stated_order_id,
        lines_grouped.store_id,
        lines_grouped.store_name,
        lines_grouped.sku,
        lines_grouped.product_name,
        lines_grouped.brand,
        lines_grouped.category,
        lines_grouped.subcategory,
        lines_grouped.strain,
        lines_grouped.species,
        lines_grouped.size,
        lines_grouped.raw_status,
        lines_grouped.channel,
        lines_grouped.employee_name,
        lines_grouped.payment_type,
        lines_grouped.attribution_text,
        lines_grouped.customer_first_name,
        lines_grouped.customer_last_name,
        lines_grouped.customer_email,
        lines_grouped.customer_phone,
        lines_grouped.quantity,
        lines_grouped.cost,
        lines_grouped.price,
        lines_grouped.discount,
        lines_grouped.total_price,
        lines_grouped.order_total,
        lines_grouped.line_at,
        lines_grouped.fetched_at
    from lines_grouped
    left join lanes_judged
        on
            lines_grouped.contact_id = lanes_judged.contact_id
            and lines_grouped.visit_key = lanes_judged.visit_key
    left join readings_judged
        on
            lines_grouped.contact_id = readings_judged.contact_id
            and lines_grouped.visit_key = readings_judged.visit_key
            and lines_grouped.lane = readings_judged.lane
            and lines_grouped.line_second = readings_judged.line_second
)

select * from lines_read
