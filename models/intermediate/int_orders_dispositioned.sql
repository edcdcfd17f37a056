-- What becomes of each order: a deal, quarantine with the reason, or (order strategy
-- recent_deals) a count on its person. What is a deal already stays one.
-- One row per source_key.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

statuses as (select * from {{ ref('int_order_statuses_derived') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

classified as (select * from {{ ref('int_contacts_classified') }}),

deals_known as (
    select source_key from {{ ref('int_keys_known') }}
    where entity = 'deal'
),

-- from the latest order, so that a plan is the same on any day
last_order as (
    select
        max(ordered_at)
        - to_days(
            coalesce(try_cast({{ policy('recent_order_days') }} as integer), 365)
        ) as recent_since
    from orders
),

judged as (
    select
        orders.source_key,
        contacts_matched.person_source_key,
        case
            when statuses.order_status is null then 'order_status_unlisted'
            when contacts_matched.person_source_key is not null then null
            when {{ policy('orders_without_person') }} = 'load' then null
            when classified.visibility = 'hidden' then 'contact_is_hidden'
            when classified.visibility = 'listed' then 'contact_is_quarantined'
            else 'contact_is_unknown'
        end as quarantine_rule,
        (
            '{{ decided_setting('order_strategy') }}' = 'recent_deals'
            and orders.ordered_at < last_order.recent_since
            and contacts_matched.person_source_key is not null
            and deals_known.source_key is null
        ) as is_counted_only
    from orders
    cross join last_order
    left join deals_known
        on orders.source_key = deals_known.source_key
    left join statuses
        on orders.source_key = statuses.source_key
    left join contacts_matched
        on orders.contact_id = contacts_matched.contact_id
    left join classified
        on orders.contact_id = classified.contact_id
),

dispositioned as (
    select
        source_key,
        person_source_key,
        quarantine_rule,
        case
            when quarantine_rule is not null then 'quarantined'
            when is_counted_only then 'counted'
            else 'deal'
        end as disposition
    from judged
)

select * from dispositioned
