-- Notes as the last read-back found them. One row per note.

with

raw_notes as (select * from {{ source('raw_pipedrive', 'notes') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_notes.record_key,
        raw_notes.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_notes.payload,
            '{
                "content": "VARCHAR",
                "deal_id": "BIGINT",
                "person_id": "BIGINT",
                "org_id": "BIGINT",
                "user_id": "BIGINT",
                "active_flag": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_notes
    inner join completed_loads
        on raw_notes._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_note_id,
        record.deal_id as pipedrive_deal_id,
        record.person_id as pipedrive_person_id,
        record.org_id as pipedrive_organization_id,
        record.user_id as owner_id,
        ---------- text
        record.content,
        ---------- booleans
        not coalesce(record.active_flag, true) as is_deleted,
        ---------- timestamps
        try_cast(record.add_time as timestamp) as added_at,
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
