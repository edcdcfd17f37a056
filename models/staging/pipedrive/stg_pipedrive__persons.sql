-- Persons as the last read-back found them. One row per person.

with

raw_persons as (select * from {{ source('raw_pipedrive', 'persons') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_persons.record_key,
        raw_persons.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_persons.payload,
            '{
                "name": "VARCHAR",
                "org_id": "BIGINT",
                "owner_id": "BIGINT",
                "visible_to": "INTEGER",
                "emails": [
                    {
                        "value": "VARCHAR",
                        "primary": "BOOLEAN",
                        "label": "VARCHAR"
                    }
                ],
                "phones": [
                    {
                        "value": "VARCHAR",
                        "primary": "BOOLEAN",
                        "label": "VARCHAR"
                    }
                ],
                "label_ids": [
                    "BIGINT"
                ],
                "is_deleted": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_persons
    inner join completed_loads
        on raw_persons._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_person_id,
        record.org_id as pipedrive_organization_id,
        record.owner_id,
        record.label_ids,
        ---------- text
        record.name,
        record.emails,
        record.phones,
        record.visible_to,
        ---------- booleans
        coalesce(record.is_deleted, false) as is_deleted,
        ---------- timestamps
        try_cast(record.add_time as timestamp) as added_at,
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
