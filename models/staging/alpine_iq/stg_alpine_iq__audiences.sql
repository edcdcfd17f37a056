-- Audiences. One row per audience; the multiplier belongs to the audience.

with

raw_audiences as (select * from {{ source('raw_alpine_iq', 'audiences') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_audiences.record_key,
        raw_audiences.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_audiences.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "active": "VARCHAR",
                "archived": "VARCHAR",
                "audienceSize": "VARCHAR",
                "textOptIns": "VARCHAR",
                "emailOptIns": "VARCHAR",
                "cltv": "VARCHAR",
                "pointsMultiplier": "VARCHAR",
                "pointsBoost": "VARCHAR",
                "zeroPoints": "VARCHAR",
                "includeAnonymous": "VARCHAR",
                "created": "VARCHAR",
                "updated": "VARCHAR",
                "traits": [
                    {
                        "type": "VARCHAR",
                        "value": "VARCHAR"
                    }
                ]
            }'
        ) as audience
    from raw_audiences
    inner join completed_loads
        on raw_audiences._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as audience_id,
        ---------- text
        {{ text_or_null('audience.name') }} as audience_name,
        coalesce(audience.traits, []) as traits,
        ---------- numbers
        {{ number_or_null('audience.audiencesize', 'bigint') }} as audience_size,
        {{ number_or_null('audience.pointsmultiplier') }} as points_multiplier,
        {{ number_or_null('audience.pointsboost') }} as points_boost,
        ---------- booleans
        {{ boolean_or_null('audience.active') }} as is_active,
        {{ boolean_or_null('audience.archived') }} as is_archived,
        {{ boolean_or_null('audience.zeropoints') }} as has_zero_points,
        ---------- timestamps
        {{ instant_or_null('audience.created') }} as created_at,
        {{ instant_or_null('audience.updated') }} as updated_at,
        fetched_at
    from parsed
)

select * from typed
