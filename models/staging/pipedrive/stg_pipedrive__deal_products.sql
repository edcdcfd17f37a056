-- Lines of deals as the last read-back found them. One row per line.

with

raw_deal_products as (select * from {{ source('raw_pipedrive', 'deal_products') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_deal_products.record_key,
        raw_deal_products.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_deal_products.payload,
            '{
                "deal_id": "BIGINT",
                "product_id": "BIGINT",
                "name": "VARCHAR",
                "item_price": "DECIMAL(18,4)",
                "quantity": "DECIMAL(18,4)",
                "discount": "DECIMAL(18,4)",
                "discount_type": "VARCHAR",
                "tax": "DOUBLE",
                "tax_method": "VARCHAR",
                "sum": "DECIMAL(18,2)",
                "currency": "VARCHAR",
                "comments": "VARCHAR",
                "is_enabled": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_deal_products
    inner join completed_loads
        on raw_deal_products._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_deal_product_id,
        record.deal_id as pipedrive_deal_id,
        record.product_id as pipedrive_product_id,
        ---------- text
        record.name,
        record.comments,
        record.discount_type,
        record.tax_method,
        record.currency,
        ---------- numbers
        record.item_price as item_price_amount,
        record.quantity,
        record.discount as discount_amount,
        record.tax as tax_percent,
        record.sum as line_amount,
        ---------- booleans
        record.is_enabled,
        ---------- timestamps
        try_cast(record.add_time as timestamp) as added_at,
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
