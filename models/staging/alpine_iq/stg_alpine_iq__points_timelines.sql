-- Whose changes of points were asked for, none found included. One row per contact_id.

with

raw_points_timelines as (
    select * from {{ source('raw_alpine_iq', 'points_timelines') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

typed as (
    select
        ---------- ids
        raw_points_timelines.record_key as contact_id,
        ---------- numbers
        json_array_length(raw_points_timelines.payload, '$.events') as event_count,
        ---------- timestamps
        raw_points_timelines.fetched_at at time zone 'UTC' as fetched_at
    from raw_points_timelines
    inner join completed_loads
        on raw_points_timelines._dlt_load_id = completed_loads.load_id
)

select * from typed
