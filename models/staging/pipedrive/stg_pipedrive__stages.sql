-- Stages of pipelines. One row per stage.

with

raw_stages as (select * from {{ source('raw_pipedrive', 'stages') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_stages.record_key,
        raw_stages.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_stages.payload,
            '{
                "name": "VARCHAR",
                "pipeline_id": "BIGINT",
                "order_nr": "INTEGER",
                "is_deleted": "BOOLEAN"
            }'
        ) as record
    from raw_stages
    inner join completed_loads
        on raw_stages._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_stage_id,
        record.pipeline_id as pipedrive_pipeline_id,
        ---------- text
        record.name as stage_name,
        ---------- numbers
        record.order_nr as stage_rank,
        ---------- booleans
        coalesce(record.is_deleted, false) as is_deleted,
        fetched_at
    from parsed
)

select * from typed
