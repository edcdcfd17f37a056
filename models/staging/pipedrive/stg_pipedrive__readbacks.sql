-- Read-backs that completed. One row per read-back.

with

raw_readbacks as (select * from {{ source('raw_pipedrive', 'readbacks') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_readbacks.record_key,
        raw_readbacks.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_readbacks.payload,
            '{"started_at": "VARCHAR", "finished_at": "VARCHAR", "tokens": "BIGINT"}'
        ) as readback
    from raw_readbacks
    inner join completed_loads
        on raw_readbacks._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        record_key as readback_id,
        readback.tokens as token_count,
        coalesce(
            try_cast(readback.started_at as timestamptz) at time zone 'UTC',
            fetched_at
        ) as started_at,
        coalesce(
            try_cast(readback.finished_at as timestamptz) at time zone 'UTC',
            fetched_at
        ) as finished_at
    from parsed
)

select * from typed
