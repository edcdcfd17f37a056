-- Files as the last read-back found them. One row per file.

with

raw_files as (select * from {{ source('raw_pipedrive', 'files') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_files.record_key,
        raw_files.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_files.payload,
            '{
                "name": "VARCHAR",
                "file_size": "BIGINT",
                "person_id": "BIGINT",
                "deal_id": "BIGINT",
                "active_flag": "BOOLEAN",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_files
    inner join completed_loads
        on raw_files._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_file_id,
        record.deal_id as pipedrive_deal_id,
        record.person_id as pipedrive_person_id,
        ---------- text
        record.name as file_name,
        ---------- numbers
        record.file_size as byte_count,
        ---------- booleans
        not coalesce(record.active_flag, true) as is_deleted,
        ---------- timestamps
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
