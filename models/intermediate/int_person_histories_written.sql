-- What happened with a person's points and campaigns, newest first, as the text of one
-- note: adjustments, redemptions and conversions (no lane shows messages or calls).
-- Over 500 events the note says how many older ones it leaves out.
-- One row per source_key that has any.

{% set most_events = 500 %}

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

adjustments as (select * from {{ ref('stg_alpine_iq__adjustments') }}),

redemptions as (select * from {{ ref('stg_alpine_iq__redemptions') }}),

conversions as (select * from {{ ref('stg_alpine_iq__conversions') }}),

campaigns as (select * from {{ ref('stg_alpine_iq__campaigns') }}),

events as (
    select
        contact_id,
        adjustment_key as event_key,
        adjusted_at as happened_at,
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
        redeemed_at as happened_at,
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
        coalesce(conversions.order_at, conversions.action_at) as happened_at,
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
),

events_of_persons as (
    select
        contacts_matched.person_source_key as source_key,
        events.happened_at,
        events.event_text,
        row_number() over (
            partition by contacts_matched.person_source_key
            order by events.happened_at desc nulls last, events.event_key asc
        ) as position
    from events
    inner join contacts_matched
        on events.contact_id = contacts_matched.contact_id
    inner join persons
        on contacts_matched.person_source_key = persons.source_key
    where not persons.is_suppressed
),

written as (
    select
        source_key,
        count(*) as event_count,
        greatest(count(*) - {{ most_events }}, 0) as left_out_count,
        max(happened_at) as last_event_at,
        string_agg(
            coalesce(strftime(happened_at, '%Y-%m-%d %H:%M'), 'undated')
            || ': ' || event_text,
            chr(10)
            order by position
        ) filter (where position <= {{ most_events }})
        || case
            when count(*) > {{ most_events }}
                then
                    chr(10) || (count(*) - {{ most_events }})
                    || ' older events are not shown'
            else ''
        end as history_text
    from events_of_persons
    group by source_key
)

select * from written
