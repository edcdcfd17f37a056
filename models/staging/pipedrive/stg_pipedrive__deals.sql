-- Deals as the last read-back found them, archived ones too. One row per deal.

with

raw_deals as (select * from {{ source('raw_pipedrive', 'deals') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_deals.record_key,
        raw_deals.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_deals.payload,
            '{
                "title": "VARCHAR",
                "value": "DECIMAL(18,2)",
                "currency": "VARCHAR",
                "status": "VARCHAR",
                "lost_reason": "VARCHAR",
                "person_id": "BIGINT",
                "org_id": "BIGINT",
                "pipeline_id": "BIGINT",
                "stage_id": "BIGINT",
                "owner_id": "BIGINT",
                "visible_to": "INTEGER",
                "is_deleted": "BOOLEAN",
                "is_archived": "BOOLEAN",
                "add_time": "VARCHAR",
                "update_time": "VARCHAR",
                "won_time": "VARCHAR",
                "lost_time": "VARCHAR",
                "close_time": "VARCHAR"
            }'
        ) as record
    from raw_deals
    inner join completed_loads
        on raw_deals._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        try_cast(record_key as bigint) as pipedrive_deal_id,
        record.person_id as pipedrive_person_id,
        record.org_id as pipedrive_organization_id,
        record.pipeline_id as pipedrive_pipeline_id,
        record.stage_id as pipedrive_stage_id,
        record.owner_id,
        ---------- text
        record.title,
        record.status,
        record.lost_reason,
        record.currency,
        record.visible_to,
        ---------- numbers
        record.value as deal_amount,
        ---------- booleans
        coalesce(record.is_archived, false) as is_archived,
        coalesce(record.is_deleted, false) as is_deleted,
        ---------- timestamps
        try_cast(record.won_time as timestamp) as won_at,
        try_cast(record.lost_time as timestamp) as lost_at,
        try_cast(record.close_time as timestamp) as closed_at,
        try_cast(record.add_time as timestamp) as added_at,
        try_cast(record.update_time as timestamp) as updated_at,
        fetched_at
    from parsed
)

select * from typed
