-- Products as the last read-back found them. One row per product.

with

raw_products as (select * from {{ source('raw_pipedrive', 'products') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_products.record_key,
        raw_products.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_products.payload,
            '{
                "name": "VARCHAR",
                "code": "VARCHAR",
                "description": "VARCHAR",
                "unit": "VARCHAR",
                "tax": "DOUBLE",
                "prices": [
                    {
                        "price": "DECIMAL(18,2)",
                        "currency": "VARCHAR"
                    }
                ],
                "owner_id": "BIGINT",
                "visible_to": "INTEGER",
                "is_deleted": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_products
    inner join completed_loads
        on raw_products._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_product_id,
        record.owner_id,
        ---------- text
        record.name,
        record.code,
        record.description,
        record.unit,
        record.prices,
        record.visible_to,
        ---------- numbers
        record.tax as tax_percent,
        ---------- booleans
        coalesce(record.is_deleted, false) as is_deleted,
        ---------- timestamps
        try_cast(record.add_time as timestamp) as added_at,
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
