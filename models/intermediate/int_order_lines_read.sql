-- Order lines as every reading of the source shows them, and which readings count: an
-- order comes whole from one lane, a visit from one reading. A contact's answer and a
-- sales export are one reading each. One row per lane, read_contact_id and ordinal.

with

api_lines as (select * from {{ ref('stg_alpine_iq__order_lines') }}),

export_lines as (select * from {{ ref('stg_alpine_iq__export_sales_lines') }}),

classified as (select * from {{ ref('int_contacts_classified') }}),

lines_of_lanes as (
    select
        'api' as lane,
        'contact' as reading,
        contact_id as read_contact_id,
        ordinal,
        order_id as stated_order_id,
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
        sku,
        product_name,
        brand,
        category,
        subcategory,
        employee_name,
        quantity,
        cost,
        price,
        discount,
        line_at,
        fetched_at
    from export_lines
),

-- what a merged contact bought is its survivor's, and both may have been asked for it
lines_owned as (
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

lines_identified as (
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

lines_grouped as (
    select
        *,
        coalesce(order_id, line_second || ':' || folded_store) as visit_key
    from lines_identified
),

lines_judged as (
    select
        *,
        -- the lane that was read last has the order as it is now
        arg_max(
            lane, struct_pack(fetched_at := fetched_at, lane := lane)
        ) over (partition by contact_id, visit_key) as order_lane,
        arg_max(
            reading || '|' || read_contact_id,
            struct_pack(
                fetched_at := fetched_at,
                reading := reading || '|' || read_contact_id
            )
        ) over (partition by contact_id, visit_key, lane, line_second)
            as visit_reading
    from lines_grouped
),

lines_read as (
    select
        lane,
        read_contact_id,
        ordinal,
        contact_id,
        visit_key,
        line_second,
        case
            when is_indistinct then 'receipts_told_apart_by_export'
            when lane <> order_lane then 'other_lane_is_newer'
            when reading || '|' || read_contact_id <> visit_reading
                then 'read_again_later'
        end as why_left_out,
        order_id,
        stated_order_id is not null as has_stated_order_id,
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
        quantity,
        cost,
        price,
        discount,
        total_price,
        order_total,
        line_at,
        fetched_at
    from lines_judged
)

select * from lines_read
