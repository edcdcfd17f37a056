-- Activities as the last read-back found them. One row per activity.

with

raw_activities as (select * from {{ source('raw_pipedrive', 'activities') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_activities.record_key,
        raw_activities.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_activities.payload,
            '{
                "subject": "VARCHAR",
                "note": "VARCHAR",
                "person_id": "BIGINT",
                "deal_id": "BIGINT",
                "owner_id": "BIGINT",
                "is_deleted": "BOOLEAN",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_activities
    inner join completed_loads
        on raw_activities._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_activity_id,
        record.deal_id as pipedrive_deal_id,
        record.person_id as pipedrive_person_id,
        record.owner_id,
        ---------- text
        record.subject,
        record.note,
        ---------- booleans
        coalesce(record.is_deleted, false) as is_deleted,
        ---------- timestamps
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
