-- Orders as Pipedrive will hold them. One row per source_key.

with

orders as (select * from {{ ref('int_orders_localised') }}),

dispositions as (
    select * from {{ ref('int_orders_dispositioned') }}
    where disposition = 'deal'
),

statuses as (select * from {{ ref('int_order_statuses_derived') }}),

stages as (select * from {{ ref('pipeline_stages') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

attributions as (select * from {{ ref('int_order_attributions_parsed') }}),

lines_written as (select * from {{ ref('int_order_lines_written') }}),

deals_known as (
    select * from {{ ref('int_keys_known') }}
    where entity = 'deal'
),

mapped as (

    select
        ---------- keys
        dispositions.source_key,
        stores.source_key as org__source_key,
        dispositions.person_source_key as person__source_key,
        'aiq:stage:' || stages.stage_name as stage__source_key,

        ---------- standard fields
        {{ shortened("'Order ' || coalesce(orders.order_id, orders.order_part)") }}
            as title,
        orders.order_amount as value,
        orders.currency,
        stages.deal_status as status,
        case
            when stages.deal_status = 'won' then {{ rfc3339('orders.ordered_at') }}
        end as won_time,
        -- an order is lost when its last line, the refund, was rung up
        case
            when stages.deal_status = 'lost' then {{ rfc3339('orders.last_line_at') }}
        end as lost_time,
        case stages.deal_status
            when 'won' then {{ rfc3339('orders.ordered_at') }}
            when 'lost' then {{ rfc3339('orders.last_line_at') }}
        end as close_time,
        stages.lost_reason,
        -- who owns records without a store is decided in policies.csv
        case
            when stores.store_id is not null then stores.owner_id
            else try_cast({{ policy('owner_without_store') }} as bigint)
        end as owner_id,
        case
            when stores.store_id is not null then stores.visible_to
            else try_cast({{ policy('visibility_without_store') }} as integer)
        end as visible_to,
        -- sent by itself, after lines and notes: an archived deal can't be edited, and
        -- so it stays archived whatever strategy is chosen later
        coalesce(
            '{{ decided_setting('order_strategy') }}' = 'archived_waves'
            and stages.deal_status in ('won', 'lost'),
            false
        ) or coalesce(deals_known.is_archived, false) as is_archived,

        ---------- custom fields
        dispositions.source_key as migration_key__c,
        {{ within_length(visible_text('orders.order_id')) }} as order_id__c,
        statuses.order_status as order_status__c,
        {{ within_length('orders.raw_status') }} as order_raw_status__c,
        {{ rfc3339('orders.ordered_at') }} as order_time__c,
        -- the business day is the store's, not Greenwich's
        cast(
            timezone(orders.time_zone, timezone('UTC', orders.ordered_at)) as date
        ) as order_date__c,
        {{ money('orders.order_amount', 'orders.currency') }} as order_total__c,
        {{ within_length('orders.payment_type') }} as payment_type__c,
        {{ within_length('orders.channel') }} as order_channel__c,
        {{ within_length(clean_text('orders.store_name')) }} as order_store_name__c,
        {{ within_length('orders.employee_name') }} as order_employee__c,
        orders.customer_text as customer_on_order__c,
        lines_written.lines_text as order_lines__c,
        {{ within_length('attributions.attr_source') }} as deal_attr_source__c,
        {{ within_length('attributions.attr_medium') }} as deal_attr_medium__c,
        {{ within_length('attributions.attr_campaign') }} as deal_attr_campaign__c,
        attributions.origin as deal_attr_origin__c,
        attributions.raw_attribution as deal_attr_raw__c

    from dispositions

    left join orders on dispositions.source_key = orders.source_key

    left join statuses on dispositions.source_key = statuses.source_key

    left join stages on statuses.order_status = stages.order_status

    left join stores on orders.store_id = stores.store_id

    left join attributions on dispositions.source_key = attributions.source_key

    left join deals_known on dispositions.source_key = deals_known.source_key

    left join lines_written
        on dispositions.source_key = lines_written.order_source_key

)

select * from mapped
