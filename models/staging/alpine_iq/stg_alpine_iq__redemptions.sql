-- Rewards redeemed. One row per redemption.

with

raw_redemptions as (select * from {{ source('raw_alpine_iq', 'redemptions') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_redemptions.record_key,
        raw_redemptions.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_redemptions.payload,
            '{
                "contactID": "VARCHAR",
                "cntID": "VARCHAR",
                "discountID": "VARCHAR",
                "discountName": "VARCHAR",
                "points": "VARCHAR",
                "storeID": "VARCHAR",
                "transactionID": "VARCHAR",
                "ts": "VARCHAR"
            }'
        ) as redemption
    from raw_redemptions
    inner join completed_loads
        on raw_redemptions._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as redemption_key,
        coalesce(
            {{ text_or_null('redemption.contactid') }},
            {{ text_or_null('redemption.cntid') }}
        ) as contact_id,
        {{ text_or_null('redemption.discountid') }} as discount_id,
        {{ text_or_null('redemption.storeid') }} as store_id,
        {{ text_or_null('redemption.transactionid') }} as order_id,
        ---------- text
        {{ text_or_null('redemption.discountname') }} as discount_name,
        ---------- numbers
        {{ number_or_null('redemption.points') }} as points,
        ---------- timestamps
        {{ instant_or_null('redemption.ts') }} as redeemed_at,
        fetched_at
    from parsed
)

select * from typed
