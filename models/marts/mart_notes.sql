-- Notes as Pipedrive will hold them: attribution as received, on deals, and what
-- happened before the migration, on persons. Each kind is switched in policies.csv.
-- One row per source_key.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

dispositions as (
    select * from {{ ref('int_orders_dispositioned') }}
    where disposition = 'deal'
),

histories as (select * from {{ ref('int_person_histories_written') }}),

mapped as (

    select
        ---------- keys
        'aiq:note:' || orders.order_part as source_key,
        dispositions.source_key as deal__source_key,
        cast(null as varchar) as person__source_key,

        ---------- standard fields
        '<p><b>Attribution as received</b></p><p>'
        || {{ html_escaped('orders.attribution_text') }}
        || '</p><p>[aiq:note:' || {{ html_escaped('orders.order_part') }} || ']</p>'
            as content,
        strftime(orders.ordered_at, '%Y-%m-%d %H:%M:%S') as add_time

    from dispositions

    inner join orders on dispositions.source_key = orders.source_key

    where
        orders.attribution_text is not null
        and {{ policy('attribution_notes') }} = 'yes'

    union all

    select
        ---------- keys
        'aiq:note:history:' || histories.source_key as source_key,
        cast(null as varchar) as deal__source_key,
        histories.source_key as person__source_key,

        ---------- standard fields
        '<p><b>Before the migration</b></p><p>'
        || replace({{ html_escaped('histories.history_text') }}, chr(10), '<br>')
        || '</p><p>[aiq:note:history:'
        || {{ html_escaped('histories.source_key') }} || ']</p>' as content,
        strftime(histories.last_event_at, '%Y-%m-%d %H:%M:%S') as add_time

    from histories

    where {{ policy('history_notes') }} = 'yes'

)

select * from mapped
