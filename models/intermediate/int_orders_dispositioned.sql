-- What becomes of each order: a deal, or quarantine with the reason.
-- One row per source_key.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

statuses as (select * from {{ ref('int_order_statuses_derived') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

classified as (select * from {{ ref('int_contacts_classified') }}),

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
        end as quarantine_rule
    from orders
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
        case when quarantine_rule is null then 'deal' else 'quarantined' end
            as disposition
    from judged
)

select * from dispositioned
