-- Ways for the history of points and campaigns to cross, with what each would cost an
-- account that has none of it yet. One row per way.

with

person_events as (select * from {{ ref('int_person_events_listed') }}),

persons as (select * from {{ ref('mart_persons') }}),

totals as (select * from {{ ref('plan_totals') }}),

counted as (
    select
        count(*) as event_count,
        count(distinct person_events.person_source_key) as person_count
    from person_events
    inner join persons on person_events.person_source_key = persons.source_key
),

-- a note is a call of the older API, which costs and takes back at twice the price
priced as (
    select
        'one note a person' as way,
        'history_notes' as policy_name,
        {{ policy('history_notes') }} = 'yes' as is_chosen,
        person_count as record_count,
        10 as write_cost,
        6 as delete_cost
    from counted
    union all
    select
        'an activity an event' as way,
        'history_activities' as policy_name,
        {{ policy('history_activities') }} = 'yes' as is_chosen,
        event_count as record_count,
        5 as write_cost,
        3 as delete_cost
    from counted
),

listed as (
    select
        priced.way,
        priced.policy_name,
        priced.is_chosen,
        cast(priced.record_count as bigint) as calls,
        cast(priced.record_count * priced.write_cost as bigint) as tokens,
        cast(
            priced.record_count * priced.write_cost / totals.tokens_per_day
            as decimal(18, 2)
        ) as days,
        cast(priced.record_count * priced.delete_cost as bigint) as undo_tokens
    from priced
    cross join totals
)

select * from listed
