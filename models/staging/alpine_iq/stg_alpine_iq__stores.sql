-- Stores (locations) of the account. One row per store.

with

raw_stores as (select * from {{ source('raw_alpine_iq', 'stores') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_stores.record_key,
        raw_stores.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_stores.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "nickname": "VARCHAR",
                "phone": "VARCHAR",
                "timezone": "VARCHAR",
                "onlineShopURL": "VARCHAR",
                "addr": {
                    "street": "VARCHAR",
                    "city": "VARCHAR",
                    "state": "VARCHAR",
                    "zipCode": "VARCHAR",
                    "zip": "VARCHAR",
                    "country": "VARCHAR",
                    "lat": "VARCHAR",
                    "long": "VARCHAR"
                },
                "sourceMapping": "MAP(VARCHAR, VARCHAR)"
            }'
        ) as store
    from raw_stores
    inner join completed_loads
        on raw_stores._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as store_id,
        ---------- text
        {{ text_or_null('store.name') }} as store_name,
        {{ text_or_null('store.nickname') }} as nickname,
        {{ text_or_null('store.phone') }} as phone,
        {{ text_or_null('store.timezone') }} as time_zone,
        {{ text_or_null('store.onlineshopurl') }} as online_shop_url,
        {{ text_or_null('store.addr.street') }} as street,
        {{ text_or_null('store.addr.city') }} as city,
        {{ text_or_null('store.addr.state') }} as state,
        coalesce(
            {{ text_or_null('store.addr.zipcode') }},
            {{ text_or_null('store.addr.zip') }}
        ) as postal_code,
        {{ text_or_null('store.addr.country') }} as country,
        coalesce(
            list_sort(list_distinct(map_values(store.sourcemapping))), []::varchar[]
        ) as source_names,
        ---------- numbers
        {{ number_or_null('store.addr.lat', 'double') }} as latitude,
        {{ number_or_null('store.addr.long', 'double') }} as longitude,
        ---------- timestamps
        fetched_at
    from parsed
)

select * from typed
