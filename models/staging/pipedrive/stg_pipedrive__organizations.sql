-- Organizations as the last read-back found them. One row per organization.

with

raw_organizations as (select * from {{ source('raw_pipedrive', 'organizations') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_organizations.record_key,
        raw_organizations.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_organizations.payload,
            '{
                "name": "VARCHAR",
                "owner_id": "BIGINT",
                "visible_to": "INTEGER",
                "address": {
                    "value": "VARCHAR",
                    "country": "VARCHAR",
                    "admin_area_level_1": "VARCHAR",
                    "locality": "VARCHAR",
                    "route": "VARCHAR",
                    "postal_code": "VARCHAR"
                },
                "label_ids": [
                    "BIGINT"
                ],
                "is_deleted": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR"
            }'
        ) as record
    from raw_organizations
    inner join completed_loads
        on raw_organizations._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_organization_id,
        record.owner_id,
        record.label_ids,
        ---------- text
        record.name,
        record.address,
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
