-- Which events of a points timeline the history takes: not those that the account-wide
-- lists of adjustments and redemptions tell as well. One row per event.

with

points_events as (select * from {{ ref('stg_alpine_iq__points_events') }}),

adjustments as (select * from {{ ref('stg_alpine_iq__adjustments') }}),

redemptions as (select * from {{ ref('stg_alpine_iq__redemptions') }}),

told as (
    select
        contact_id,
        adjusted_at as happened_at,
        points,
        'told_by_adjustments' as told_by,
        campaign_id as event_facts,
        fetched_at
    from adjustments
    union all
    select
        contact_id,
        redeemed_at as happened_at,
        -abs(points) as points,
        'told_by_redemptions' as told_by,
        concat_ws(' ', discount_id, order_id) as event_facts,
        fetched_at
    from redemptions
),

-- a delta shows a row again with another name or phone in it: the last reading counts
told_last as (
    select
        contact_id,
        happened_at,
        points,
        told_by
    from told
    qualify fetched_at is not distinct from max(fetched_at) over (
        partition by told_by, contact_id, happened_at, points, event_facts
    )
),

counted as (
    select
        contact_id,
        happened_at,
        points,
        min(told_by) as told_by,
        count(*) as told_count
    from told_last
    group by contact_id, happened_at, points
),

-- nobody else tells of these two
classified as (
    select
        contact_id,
        answered_contact_id,
        order_id,
        discount_id,
        event_type,
        note,
        ordinal,
        points,
        happened_at,
        fetched_at,
        case
            when event_type in ('sale', 'redemption', 'adjustment', 'expiration')
                then event_type
            else 'points_other'
        end as event_kind,
        coalesce(event_type in ('sale', 'expiration'), false) as is_told_here_alone
    from points_events
),

numbered as (
    select
        contact_id,
        answered_contact_id,
        order_id,
        discount_id,
        event_type,
        note,
        ordinal,
        points,
        happened_at,
        fetched_at,
        event_kind,
        is_told_here_alone,
        row_number() over (
            partition by contact_id, happened_at, points, is_told_here_alone
            order by ordinal
        ) as equal_rank
    from classified
),

chosen as (
    select
        numbered.contact_id,
        numbered.order_id,
        numbered.discount_id,
        numbered.event_type,
        numbered.event_kind,
        numbered.note,
        numbered.ordinal,
        numbered.points,
        numbered.happened_at,
        numbered.fetched_at,
        case
            when numbered.answered_contact_id <> numbered.contact_id
                then 'answered_as_another'
            when
                coalesce(
                    numbered.event_type, cast(numbered.points as varchar), numbered.note
                ) is null
                then 'says_nothing'
            when
                not numbered.is_told_here_alone
                and numbered.equal_rank <= counted.told_count
                then counted.told_by
        end as why_left_out
    from numbered
    left join counted
        on
            numbered.contact_id = counted.contact_id
            and numbered.happened_at = counted.happened_at
            and numbered.points = counted.points
)

select * from chosen
