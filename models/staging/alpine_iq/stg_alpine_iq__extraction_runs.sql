-- Runs of the extraction. One row per run.

with

raw_extraction_runs as (select * from {{ source('raw_alpine_iq', 'extraction_runs') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_extraction_runs.record_key,
        raw_extraction_runs.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_extraction_runs.payload,
            '{
                "started_at": "VARCHAR",
                "finished_at": "VARCHAR"
            }'
        ) as run
    from raw_extraction_runs
    inner join completed_loads
        on raw_extraction_runs._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as run_id,
        ---------- timestamps
        {{ instant_or_null('run.started_at') }} as started_at,
        {{ instant_or_null('run.finished_at') }} as finished_at,
        fetched_at
    from parsed
)

select * from typed
