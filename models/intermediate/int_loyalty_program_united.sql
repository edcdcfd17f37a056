-- The loyalty program's settings, from the API and from a file of the inbox: the newer
-- reading counts, the other fills its gaps. At most one row.

with

programs as (
    select
        'api' as lane,
        program_name,
        nullif(tiers, []) as tiers,
        points_per_dollar,
        expiration_days,
        fetched_at
    from {{ ref('stg_alpine_iq__loyalty_program') }}
    union all
    select
        'export' as lane,
        program_name,
        nullif(tiers, []) as tiers,
        points_per_dollar,
        expiration_days,
        fetched_at
    from {{ ref('stg_alpine_iq__loyalty_snapshot') }}
),

united as (
    select
        arg_max(program_name, fetched_at) as program_name,
        coalesce(arg_max(tiers, fetched_at), []) as tiers,
        arg_max(points_per_dollar, fetched_at) as points_per_dollar,
        arg_max(expiration_days, fetched_at) as expiration_days,
        max(fetched_at) as fetched_at,
        struct_pack(
            program_name := arg_max(lane, fetched_at)
            filter (where program_name is not null),
            tiers := arg_max(lane, fetched_at) filter (where tiers is not null),
            points_per_dollar := arg_max(lane, fetched_at)
            filter (where points_per_dollar is not null),
            expiration_days := arg_max(lane, fetched_at)
            filter (where expiration_days is not null)
        ) as lanes
    from programs
    having count(*) > 0
)

select * from united
