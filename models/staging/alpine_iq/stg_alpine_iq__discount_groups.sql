-- Groups of discounts (not of customers). One row per group.

with

raw_discount_groups as (select * from {{ source('raw_alpine_iq', 'discount_groups') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_discount_groups.record_key,
        raw_discount_groups.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_discount_groups.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "discounts": [
                    "VARCHAR"
                ],
                "archived": "VARCHAR"
            }'
        ) as discount_group
    from raw_discount_groups
    inner join completed_loads
        on raw_discount_groups._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as group_id,
        coalesce(discount_group.discounts, []) as discount_ids,
        ---------- text
        {{ text_or_null('discount_group.name') }} as group_name,
        ---------- booleans
        {{ boolean_or_null('discount_group.archived') }} as is_archived,
        ---------- timestamps
        fetched_at
    from parsed
)

select * from typed
