-- What happened with a person's points and campaigns, newest first, as the text of one
-- note. Over 500 events the note says how many older ones it leaves out.
-- One row per source_key that has any.

{% set most_events = 500 %}

with

person_events as (select * from {{ ref('int_person_events_listed') }}),

placed as (
    select
        person_source_key,
        happened_at,
        event_text,
        row_number() over (
            partition by person_source_key
            order by happened_at desc nulls last, source_key asc
        ) as position
    from person_events
),

written as (
    select
        person_source_key as source_key,
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
    from placed
    group by person_source_key
)

select * from written
