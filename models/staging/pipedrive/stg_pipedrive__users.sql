-- Users of the company. One row per user.

with

raw_users as (select * from {{ source('raw_pipedrive', 'users') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_users.record_key,
        raw_users.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_users.payload,
            '{
                "active_flag": "BOOLEAN",
                "timezone_name": "VARCHAR"
            }'
        ) as record
    from raw_users
    inner join completed_loads
        on raw_users._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_user_id,
        ---------- text
        record.timezone_name as time_zone,
        ---------- booleans
        coalesce(record.active_flag, true) as is_active,
        fetched_at
    from parsed
)

select * from typed
