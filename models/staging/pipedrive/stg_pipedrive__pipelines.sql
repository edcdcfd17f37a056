-- Pipelines. One row per pipeline.

with

raw_pipelines as (select * from {{ source('raw_pipedrive', 'pipelines') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_pipelines.record_key,
        raw_pipelines.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_pipelines.payload,
            '{
                "name": "VARCHAR",
                "order_nr": "INTEGER",
                "is_deleted": "BOOLEAN"
            }'
        ) as record
    from raw_pipelines
    inner join completed_loads
        on raw_pipelines._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_pipeline_id,
        ---------- text
        record.name as pipeline_name,
        ---------- numbers
        record.order_nr as pipeline_rank,
        ---------- booleans
        coalesce(record.is_deleted, false) as is_deleted,
        fetched_at
    from parsed
)

select * from typed
