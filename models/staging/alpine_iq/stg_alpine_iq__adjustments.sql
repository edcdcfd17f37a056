-- Points given or taken by hand. One row per adjustment (the source has no row id).

with

raw_adjustments as (select * from {{ source('raw_alpine_iq', 'adjustments') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_adjustments.record_key,
        raw_adjustments.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_adjustments.payload,
            '{
                "cntID": "VARCHAR",
                "contactID": "VARCHAR",
                "value": "VARCHAR",
                "note": "VARCHAR",
                "cmpID": "VARCHAR",
                "ts": "VARCHAR"
            }'
        ) as adjustment
    from raw_adjustments
    inner join completed_loads
        on raw_adjustments._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as adjustment_key,
        coalesce(
            {{ text_or_null('adjustment.cntid') }},
            {{ text_or_null('adjustment.contactid') }}
        ) as contact_id,
        {{ text_or_null('adjustment.cmpid') }} as campaign_id,
        ---------- text
        {{ text_or_null('adjustment.note') }} as note,
        ---------- numbers
        {{ number_or_null('adjustment.value') }} as points,
        ---------- timestamps
        {{ instant_or_null('adjustment.ts') }} as adjusted_at,
        fetched_at
    from parsed
)

select * from typed
