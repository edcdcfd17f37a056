-- The loyalty program's settings as a file of the inbox tells them. At most one row.

with

raw_loyalty_snapshot as (
    select * from {{ source('raw_alpine_iq', 'loyalty_snapshot') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_loyalty_snapshot.record_key,
        raw_loyalty_snapshot.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_loyalty_snapshot.payload,
            '{
                "id": "VARCHAR",
                "name": "VARCHAR",
                "accrual": "VARCHAR",
                "expiration": "VARCHAR",
                "tiers": [
                    {
                        "points": "VARCHAR",
                        "discount": "VARCHAR",
                        "max": "VARCHAR",
                        "name": "VARCHAR"
                    }
                ]
            }'
        ) as program
    from raw_loyalty_snapshot
    inner join completed_loads
        on raw_loyalty_snapshot._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as snapshot_key,
        ---------- text
        {{ text_or_null('program.name') }} as program_name,
        coalesce(program.tiers, []) as tiers,
        ---------- numbers
        {{ number_or_null('program.accrual') }} as points_per_dollar,
        {{ number_or_null('program.expiration') }} as expiration_days,
        ---------- timestamps
        fetched_at
    from parsed
)

select * from typed
