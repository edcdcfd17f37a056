-- Notes as Pipedrive will hold them: attribution as received. One row per source_key.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

dispositions as (
    select * from {{ ref('int_orders_dispositioned') }}
    where disposition = 'deal'
),

mapped as (

    select
        ---------- keys
        'aiq:note:' || orders.order_part as source_key,
        dispositions.source_key as deal__source_key,

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

)

select * from mapped
