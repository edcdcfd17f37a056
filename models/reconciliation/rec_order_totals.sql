-- Order totals by store and month, in both places. One row per store, month, currency.

with

-- what the source gives no more has nothing to be compared with
withdrawn as (select * from {{ ref('plan_withdrawn') }}),

planned as (
    select * from {{ ref('plan_deals') }}
    where
        payload is not null
        and action <> 'quarantine'
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where
        entity = 'deal'
        and source_key is not null
        and source_key not in (select withdrawn.source_key from withdrawn)
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where
        entity = 'deal'
        and column_name in ('value', 'currency', 'org__source_key', 'order_date__c')
),

source_totals as (
    select
        coalesce(payload ->> 'org__source_key', 'none') as org__source_key,
        strftime(try_cast(payload ->> 'order_date__c' as date), '%Y-%m')
            as order_month,
        payload ->> 'currency' as currency,
        count(*) as order_count,
        sum(try_cast(payload ->> 'value' as decimal(18, 2))) as amount
    from planned
    group by
        coalesce(payload ->> 'org__source_key', 'none'),
        strftime(try_cast(payload ->> 'order_date__c' as date), '%Y-%m'),
        payload ->> 'currency'
),

destination_pivoted as (
    select
        destination_records.pipedrive_id,
        max(destination_values.value ->> '$')
        filter (where destination_values.column_name = 'org__source_key')
            as org__source_key,
        max(destination_values.value ->> '$')
        filter (where destination_values.column_name = 'order_date__c')
            as order_date,
        max(destination_values.value ->> '$')
        filter (where destination_values.column_name = 'currency') as currency,
        max(destination_values.value ->> '$')
        filter (where destination_values.column_name = 'value') as amount
    from destination_records
    left join destination_values
        on destination_records.pipedrive_id = destination_values.pipedrive_id
    group by destination_records.pipedrive_id
),

destination_totals as (
    select
        coalesce(org__source_key, 'none') as org__source_key,
        strftime(try_cast(order_date as date), '%Y-%m') as order_month,
        currency,
        count(*) as order_count,
        sum(try_cast(amount as decimal(18, 2))) as amount
    from destination_pivoted
    group by
        coalesce(org__source_key, 'none'),
        strftime(try_cast(order_date as date), '%Y-%m'),
        currency
),

compared as (
    select
        coalesce(source_totals.org__source_key, destination_totals.org__source_key)
            as org__source_key,
        coalesce(source_totals.order_month, destination_totals.order_month)
            as order_month,
        coalesce(source_totals.currency, destination_totals.currency) as currency,
        coalesce(source_totals.order_count, 0) as source_orders,
        coalesce(destination_totals.order_count, 0) as destination_orders,
        coalesce(source_totals.amount, 0) as source_amount,
        coalesce(destination_totals.amount, 0) as destination_amount
    from source_totals
    full outer join destination_totals
        on
            source_totals.org__source_key = destination_totals.org__source_key
            and (
                source_totals.order_month
                is not distinct from destination_totals.order_month
            )
            and (
                source_totals.currency
                is not distinct from destination_totals.currency
            )
),

judged as (
    select
        org__source_key,
        order_month,
        currency,
        source_orders,
        destination_orders,
        source_amount,
        destination_amount,
        destination_amount - source_amount as difference,
        source_orders = destination_orders
        and source_amount = destination_amount as is_equal
    from compared
)

select * from judged
