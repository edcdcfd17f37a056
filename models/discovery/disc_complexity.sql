-- Why a migration is easy or hard, counted. One row per reason; the grade is the sum of
-- the points: up to 3 simple, up to 7 moderate, above that complex.

with

contacts as (select * from {{ ref('int_contacts_classified') }}),

matched as (select * from {{ ref('int_contacts_matched') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

store_names as (select * from {{ ref('disc_store_names') }}),

properties as (select * from {{ ref('disc_custom_properties') }}),

audiences as (select * from {{ ref('stg_alpine_iq__audiences') }}),

plan_limits as (
    select * from {{ ref('plan_limits') }}
    where plan_name = '{{ pipedrive_setting('plan') }}'
),

custom_fields as (
    select count(*) as field_count from {{ ref('fields') }}
    where kind = 'custom'
),

measured as (
    select
        'contacts in the list' as reason,
        cast(count(*) filter (where visibility = 'listed') as double) as measured,
        10000 as one_point_from,
        100000 as two_points_from
    from contacts
    union all
    select
        'contacts that lists hide' as reason,
        count(*) filter (where visibility <> 'listed') as measured,
        1 as one_point_from,
        1000 as two_points_from
    from contacts
    union all
    select
        'contacts merged into another person' as reason,
        count(*) filter (where contact_id <> person_contact_id) as measured,
        1 as one_point_from,
        1000 as two_points_from
    from matched
    union all
    select
        'orders without a real order id' as reason,
        count(*) filter (where not has_real_key) as measured,
        1 as one_point_from,
        1000 as two_points_from
    from orders
    union all
    select
        'orders as a share of the deal cap, in percent' as reason,
        count(*) * 100.0
        / max(plan_limits.deals_per_seat * {{ pipedrive_setting('seats') }})
            as measured,
        50 as one_point_from,
        100 as two_points_from
    from orders
    cross join plan_limits
    union all
    select
        'custom fields as a share of the cap, in percent' as reason,
        custom_fields.field_count * 100.0 / plan_limits.custom_field_cap as measured,
        50 as one_point_from,
        100 as two_points_from
    from custom_fields
    cross join plan_limits
    union all
    select
        'store names that fit no store' as reason,
        count(*) as measured,
        1 as one_point_from,
        10 as two_points_from
    from store_names
    union all
    select
        'custom properties' as reason,
        count(*) as measured,
        5 as one_point_from,
        30 as two_points_from
    from properties
    union all
    select
        'audiences' as reason,
        count(*) as measured,
        50 as one_point_from,
        100 as two_points_from
    from audiences
),

graded as (
    select
        reason,
        round(coalesce(measured, 0), 1) as measured,
        case
            when measured >= two_points_from then 2
            when measured >= one_point_from then 1
            else 0
        end as points
    from measured
)

select * from graded
