-- Discounts and tier rewards. One row per discount.

with

raw_discounts as (select * from {{ source('raw_alpine_iq', 'discounts') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_discounts.record_key,
        raw_discounts.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_discounts.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "description": "VARCHAR",
                "type": "VARCHAR",
                "tierDiscount": "VARCHAR",
                "pointsDeduction": "VARCHAR",
                "dollarValue": "VARCHAR",
                "percentageValue": "VARCHAR",
                "startsOn": "VARCHAR",
                "expiresOn": "VARCHAR",
                "archived": "VARCHAR",
                "stores": [
                    "VARCHAR"
                ],
                "audiences": [
                    "VARCHAR"
                ],
                "groupID": "VARCHAR",
                "updated": "VARCHAR"
            }'
        ) as discount
    from raw_discounts
    inner join completed_loads
        on raw_discounts._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as discount_id,
        {{ text_or_null('discount.groupid') }} as group_id,
        coalesce(discount.audiences, []) as audience_ids,
        coalesce(discount.stores, []) as store_ids,
        ---------- text
        {{ text_or_null('discount.name') }} as discount_name,
        {{ text_or_null('discount.type') }} as discount_type,
        ---------- numbers
        {{ number_or_null('discount.pointsdeduction') }} as points_deduction,
        {{ number_or_null('discount.dollarvalue') }} as dollar_value,
        {{ number_or_null('discount.percentagevalue') }} as percentage_value,
        ---------- booleans
        {{ boolean_or_null('discount.tierdiscount') }} as is_tier_reward,
        {{ boolean_or_null('discount.archived') }} as is_archived,
        ---------- timestamps
        {{ instant_or_null('discount.startson') }} as starts_at,
        {{ instant_or_null('discount.expireson') }} as expires_at,
        fetched_at
    from parsed
)

select * from typed
