-- When each contact was last asked for one by one. One row per contact_id.

with

raw_contact_watermarks as (
    select * from {{ source('raw_alpine_iq', 'contact_watermarks') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_contact_watermarks.record_key,
        raw_contact_watermarks.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_contact_watermarks.payload,
            '{"run_id": "VARCHAR", "late_lines": "BIGINT"}'
        ) as ask
    from raw_contact_watermarks
    inner join completed_loads
        on raw_contact_watermarks._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        ask.run_id,
        ---------- numbers
        ask.late_lines as late_line_count,
        ---------- timestamps
        fetched_at as asked_at
    from parsed
)

select * from typed
