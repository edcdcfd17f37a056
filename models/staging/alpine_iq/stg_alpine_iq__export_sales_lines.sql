-- Sales lines as the customer exported them. One row per line_key.

with

raw_export_sales_lines as (
    select * from {{ source('raw_alpine_iq', 'export_sales_lines') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_export_sales_lines.record_key,
        raw_export_sales_lines.request,
        raw_export_sales_lines.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_export_sales_lines.payload,
            '{
                "transactionID": "VARCHAR",
                "timeOfSale": "VARCHAR",
                "posCustomerID": "VARCHAR",
                "store": "VARCHAR",
                "name": "VARCHAR",
                "brand": "VARCHAR",
                "quantity": "VARCHAR",
                "cost": "VARCHAR",
                "price": "VARCHAR",
                "discount": "VARCHAR",
                "parentCategory": "VARCHAR",
                "category": "VARCHAR",
                "sku": "VARCHAR",
                "contactID": "VARCHAR",
                "employee": "VARCHAR"
            }'
        ) as line
    from raw_export_sales_lines
    inner join completed_loads
        on raw_export_sales_lines._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as line_key,
        {{ text_or_null('line.transactionid') }} as order_id,
        {{ text_or_null('line.contactid') }} as contact_id,
        {{ text_or_null('line.poscustomerid') }} as source_id,
        {{ text_or_null('line.sku') }} as sku,
        ---------- text
        {{ text_or_null('line.store') }} as store_name,
        {{ text_or_null('line.employee') }} as employee_name,
        {{ text_or_null('line.name') }} as product_name,
        {{ text_or_null('line.parentcategory') }} as category,
        {{ text_or_null('line.category') }} as subcategory,
        {{ text_or_null('line.brand') }} as brand,
        split_part(request, '@', 1) as file_name,
        regexp_extract(
            split_part(request, '@', 1),
            '^inbox/[^-]+-(.+)-[0-9]+-[0-9]+-sl[.]csv$',
            1,
            'i'
        ) as audience_of_file,
        ---------- numbers
        {{ number_or_null('line.quantity') }} as quantity,
        {{ number_or_null('line.cost') }} as cost,
        {{ number_or_null('line.price') }} as price,
        {{ number_or_null('line.discount') }} as discount,
        ---------- timestamps
        {{ instant_or_null('line.timeofsale') }} as line_at,
        fetched_at
    from parsed
)

select * from typed
