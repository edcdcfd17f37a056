-- What happened with a person's points and campaigns: adjustments, redemptions,
-- conversions, and what points timelines tell beyond them (no lane shows messages or
-- calls).
-- One row per source_key.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

adjustments as (select * from {{ ref('stg_alpine_iq__adjustments') }}),

redemptions as (select * from {{ ref('stg_alpine_iq__redemptions') }}),

conversions as (select * from {{ ref('stg_alpine_iq__conversions') }}),

points_events as (
    select * from {{ ref('int_points_events_chosen') }}
    where why_left_out is null
),

campaigns as (select * from {{ ref('stg_alpine_iq__campaigns') }}),

events as (
    select
        contact_id,
        adjustment_key as event_key,
        'adjustment' as event_kind,
        concat_ws(' ', points, campaign_id) as event_facts,
        adjusted_at as happened_at,
        fetched_at,
        concat_ws(
            ', ',
            'points adjusted by ' || cast(cast(points as double) as varchar),
            {{ shortened(clean_text('note'), 200) }}
        ) as event_text
    from adjustments
    union all
    select
        contact_id,
        redemption_key as event_key,
        'redemption' as event_kind,
        concat_ws(' ', points, discount_id, order_id) as event_facts,
        redeemed_at as happened_at,
        fetched_at,
        concat_ws(
            ', ',
            'redeemed ' || coalesce(
                {{ shortened(clean_text('discount_name'), 200) }}, 'a discount'
            ),
            cast(cast(points as double) as varchar) || ' points',
            'order ' || order_id
        ) as event_text
    from redemptions
    union all
    select
        conversions.contact_id,
        conversions.conversion_key as event_key,
        'conversion' as event_kind,
        concat_ws(' ', conversions.campaign_id, conversions.order_id) as event_facts,
        coalesce(conversions.order_at, conversions.action_at) as happened_at,
        conversions.fetched_at,
        concat_ws(
            ', ',
            'ordered after campaign ' || coalesce(
                {{ shortened(clean_text('campaigns.campaign_name'), 200) }},
                conversions.campaign_id,
                'of no name'
            ),
            conversions.channel,
            'order ' || conversions.order_id
        ) as event_text
    from conversions
    left join campaigns
        on conversions.campaign_id = campaigns.campaign_id
    union all
    select
        contact_id,
        cast(ordinal as varchar) as event_key,
        event_kind,
        concat_ws(' ', 'timeline', event_type, points, discount_id, order_id)
            as event_facts,
        happened_at,
        fetched_at,
        concat_ws(
            ', ',
            case event_kind
                when 'sale' then 'points of a sale: '
                when 'expiration' then 'points expired: '
                when 'redemption' then 'points redeemed: '
                when 'adjustment' then 'points adjusted by '
                else 'points changed by '
            end
            || coalesce(cast(cast(points as double) as varchar), 'an unknown number'),
            if(event_kind = 'points_other', {{ clean_text('event_type') }}, null),
            {{ shortened(clean_text('note'), 200) }},
            'order ' || order_id
        ) as event_text
    from points_events
),

-- a delta shows a row again with another name or phone in it: the last reading counts
newest as (
    select
        contact_id,
        event_key,
        event_kind,
        event_facts,
        happened_at,
        event_text
    from events
    qualify fetched_at is not distinct from max(fetched_at) over (
        partition by event_kind, contact_id, happened_at, event_facts
    )
),

-- the source gives its rows no id, and their own key changes with a name or a phone
-- that they repeat: what stays is whose, when and what
keyed as (
    select
        contact_id,
        event_kind,
        happened_at,
        event_text,
        md5(
            concat_ws('|', contact_id, epoch(happened_at), event_facts)
        ) as fact_key,
        row_number() over (
            partition by event_kind, contact_id, happened_at, event_facts
            order by event_key
        ) as ordinal
    from newest
),

events_of_persons as (
    select
        'aiq:event:' || keyed.event_kind || ':' || keyed.fact_key
        || if(keyed.ordinal = 1, '', ':' || keyed.ordinal) as source_key,
        contacts_matched.person_source_key,
        keyed.event_kind,
        keyed.happened_at,
        keyed.event_text
    from keyed
    inner join contacts_matched
        on keyed.contact_id = contacts_matched.contact_id
    inner join persons
        on contacts_matched.person_source_key = persons.source_key
    where not persons.is_suppressed
)

select * from events_of_persons
