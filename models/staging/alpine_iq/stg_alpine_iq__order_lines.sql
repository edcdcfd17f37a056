-- Order lines. One row per line of a contact's orders, in the order of the answer.

with

raw_contact_orders as (select * from {{ source('raw_alpine_iq', 'contact_orders') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_contact_orders.record_key,
        raw_contact_orders.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_contact_orders.payload,
            '{
                "contactID": "VARCHAR",
                "lines": [
                    {
                        "orderID": "VARCHAR",
                        "status": "VARCHAR",
                        "timestamp": "VARCHAR",
                        "storeID": "VARCHAR",
                        "storeName": "VARCHAR",
                        "source": "VARCHAR",
                        "posType": "VARCHAR",
                        "srcID": "VARCHAR",
                        "employee": "VARCHAR",
                        "sku": "VARCHAR",
                        "name": "VARCHAR",
                        "category": "VARCHAR",
                        "subcategory": "VARCHAR",
                        "brand": "VARCHAR",
                        "strain": "VARCHAR",
                        "species": "VARCHAR",
                        "size": "VARCHAR",
                        "quantity": "VARCHAR",
                        "price": "VARCHAR",
                        "discount": "VARCHAR",
                        "totalPrice": "VARCHAR",
                        "orderTotal": "VARCHAR",
                        "paymentType": "VARCHAR",
                        "customer": {
                            "firstName": "VARCHAR",
                            "lastName": "VARCHAR",
                            "email": "VARCHAR",
                            "phone": "VARCHAR"
                        },
                        "attr": "VARCHAR",
                        "customAttributes": [
                            {
                                "key": "VARCHAR",
                                "value": "VARCHAR"
                            }
                        ]
                    }
                ]
            }'
        ) as contact
    from raw_contact_orders
    inner join completed_loads
        on raw_contact_orders._dlt_load_id = completed_loads.load_id
),

lines_unnested as (
    select
        record_key,
        fetched_at,
        unnest(contact.lines) as line,
        generate_subscripts(contact.lines, 1) as ordinal
    from parsed
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('line.orderid') }} as order_id,
        {{ text_or_null('line.storeid') }} as store_id,
        {{ text_or_null('line.srcid') }} as source_id,
        {{ text_or_null('line.sku') }} as sku,
        ---------- text
        {{ text_or_null('line.status') }} as raw_status,
        {{ text_or_null('line.storename') }} as store_name,
        {{ text_or_null('line.source') }} as source_name,
        {{ text_or_null('line.postype') }} as channel,
        {{ text_or_null('line.employee') }} as employee_name,
        {{ text_or_null('line.name') }} as product_name,
        {{ text_or_null('line.category') }} as category,
        {{ text_or_null('line.subcategory') }} as subcategory,
        {{ text_or_null('line.brand') }} as brand,
        {{ text_or_null('line.strain') }} as strain,
        {{ text_or_null('line.species') }} as species,
        {{ text_or_null('line.size') }} as size,
        {{ text_or_null('line.paymenttype') }} as payment_type,
        {{ text_or_null('line.attr') }} as attribution_text,
        {{ text_or_null('line.customer.firstname') }} as customer_first_name,
        {{ text_or_null('line.customer.lastname') }} as customer_last_name,
        {{ text_or_null('line.customer.email') }} as customer_email,
        {{ text_or_null('line.customer.phone') }} as customer_phone,
        coalesce(line.customattributes, []) as custom_attributes,
        ---------- numbers
        ordinal,
        {{ number_or_null('line.quantity') }} as quantity,
        {{ number_or_null('line.price') }} as price,
        {{ number_or_null('line.discount') }} as discount,
        {{ number_or_null('line.totalprice') }} as total_price,
        {{ number_or_null('line.ordertotal') }} as order_total,
        ---------- timestamps
        {{ instant_or_null('line.timestamp') }} as line_at,
        fetched_at
    from lines_unnested
)

select * from typed
