-- Changes of points as a contact's timeline shows them. One row per event.

with

raw_points_timelines as (
    select * from {{ source('raw_alpine_iq', 'points_timelines') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_points_timelines.record_key,
        raw_points_timelines.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_points_timelines.payload,
            '{
                "contactID": "VARCHAR",
                "events": [
                    {
                        "ts": "VARCHAR",
                        "type": "VARCHAR",
                        "points": "VARCHAR",
                        "note": "VARCHAR",
                        "orderID": "VARCHAR",
                        "discountID": "VARCHAR"
                    }
                ]
            }'
        ) as timeline
    from raw_points_timelines
    inner join completed_loads
        on raw_points_timelines._dlt_load_id = completed_loads.load_id
),

events_unnested as (
    select
        record_key,
        fetched_at,
        timeline.contactid as answered_id,
        unnest(timeline.events) as event,
        generate_subscripts(timeline.events, 1) as ordinal
    from parsed
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('answered_id') }} as answered_contact_id,
        {{ text_or_null('event.orderid') }} as order_id,
        {{ text_or_null('event.discountid') }} as discount_id,
        ---------- text
        lower({{ text_or_null('event.type') }}) as event_type,
        {{ text_or_null('event.note') }} as note,
        ---------- numbers
        ordinal,
        {{ number_or_null('event.points') }} as points,
        ---------- timestamps
        {{ instant_or_null('event.ts') }} as happened_at,
        fetched_at
    from events_unnested
)

select * from typed
