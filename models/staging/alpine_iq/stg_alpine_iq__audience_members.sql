-- Memberships. One row per audience and member id, as the answer has it.

with

raw_audience_members as (
    select * from {{ source('raw_alpine_iq', 'audience_members') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_audience_members.record_key,
        raw_audience_members.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_audience_members.payload,
            '{
                "audienceID": "VARCHAR",
                "members": [
                    "VARCHAR"
                ]
            }'
        ) as audience
    from raw_audience_members
    inner join completed_loads
        on raw_audience_members._dlt_load_id = completed_loads.load_id
),

members_unnested as (
    select
        record_key,
        fetched_at,
        unnest(audience.members) as member,
        generate_subscripts(audience.members, 1) as ordinal
    from parsed
),

typed as (
    select
        ---------- ids
        record_key as audience_id,
        {{ text_or_null('member') }} as contact_id,
        ---------- numbers
        ordinal,
        ---------- timestamps
        fetched_at
    from members_unnested
)

select * from typed
