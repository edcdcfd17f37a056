-- Campaigns. One row per campaign.

with

raw_campaigns as (select * from {{ source('raw_alpine_iq', 'campaigns') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_campaigns.record_key,
        raw_campaigns.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_campaigns.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "type": "VARCHAR",
                "isActive": "VARCHAR",
                "archived": "VARCHAR",
                "created": "VARCHAR",
                "updated": "VARCHAR",
                "audiences": [
                    "VARCHAR"
                ],
                "templates": {
                    "body": "VARCHAR",
                    "scheduled": "VARCHAR",
                    "timezone": "VARCHAR",
                    "recurDays": "VARCHAR"
                }
            }'
        ) as campaign
    from raw_campaigns
    inner join completed_loads
        on raw_campaigns._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as campaign_id,
        ---------- text
        {{ text_or_null('campaign.name') }} as campaign_name,
        {{ text_or_null('campaign.type') }} as campaign_type,
        ---------- booleans
        {{ boolean_or_null('campaign.isactive') }} as is_active,
        {{ boolean_or_null('campaign.archived') }} as is_archived,
        ---------- timestamps
        {{ instant_or_null('campaign.created') }} as created_at,
        {{ instant_or_null('campaign.updated') }} as updated_at,
        fetched_at
    from parsed
)

select * from typed
