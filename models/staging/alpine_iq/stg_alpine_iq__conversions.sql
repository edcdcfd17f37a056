-- Orders that Alpine IQ attributes to a message. One row per conversion.

with

raw_conversions as (select * from {{ source('raw_alpine_iq', 'conversions') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_conversions.record_key,
        raw_conversions.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_conversions.payload,
            '{
                "contactID": "VARCHAR",
                "campaignID": "VARCHAR",
                "channel": "VARCHAR",
                "action": "VARCHAR",
                "actionTS": "VARCHAR",
                "orderTS": "VARCHAR",
                "orderID": "VARCHAR",
                "storeName": "VARCHAR",
                "amount": "VARCHAR"
            }'
        ) as conversion
    from raw_conversions
    inner join completed_loads
        on raw_conversions._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as conversion_key,
        {{ text_or_null('conversion.contactid') }} as contact_id,
        {{ text_or_null('conversion.campaignid') }} as campaign_id,
        {{ text_or_null('conversion.orderid') }} as order_id,
        ---------- text
        {{ text_or_null('conversion.channel') }} as channel,
        {{ text_or_null('conversion.action') }} as action,
        {{ text_or_null('conversion.storename') }} as store_name,
        ---------- numbers
        {{ number_or_null('conversion.amount') }} as amount,
        ---------- timestamps
        {{ instant_or_null('conversion.actionts') }} as action_at,
        {{ instant_or_null('conversion.orderts') }} as order_at,
        fetched_at
    from parsed
)

select * from typed
