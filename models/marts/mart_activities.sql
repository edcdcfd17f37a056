-- Activities as Pipedrive will hold them: what happened before the migration, one done
-- task an event, where policies.csv says so (history_activities).
-- One row per source_key.

with

person_events as (select * from {{ ref('int_person_events_listed') }}),

persons as (select * from {{ ref('mart_persons') }}),

mapped as (

    select
        ---------- keys
        person_events.source_key,
        person_events.person_source_key as person__source_key,

        ---------- standard fields
        case person_events.event_kind
            when 'adjustment' then 'Points adjusted'
            when 'redemption' then 'Discount redeemed'
            when 'conversion' then 'Order after a campaign'
            when 'sale' then 'Points of a sale'
            when 'expiration' then 'Points expired'
            when 'points_other' then 'Points changed'
        end as subject,
        {{ policy('history_activity_type') }} as type,
        true as done,
        persons.owner_id,
        strftime(person_events.happened_at, '%Y-%m-%d') as due_date,
        strftime(person_events.happened_at, '%H:%M:%S') as due_time,
        -- the key closes the text: an activity has no fields of its own
        '<p>' || {{ html_escaped('person_events.event_text') }} || '</p><p>['
        || {{ html_escaped('person_events.source_key') }} || ']</p>' as note

    from person_events

    inner join persons on person_events.person_source_key = persons.source_key

    where {{ policy('history_activities') }} = 'yes'

)

select * from mapped
