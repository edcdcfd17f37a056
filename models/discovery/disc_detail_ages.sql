-- How old each field is that the list of contacts does not show. One row per field.

with

catalogue as (
    select * from {{ ref('fields') }}
    where
        source like '%contact\_details%' escape '\'
        or source like '%order\_lines%' escape '\'
        or source like '%contact\_orders%' escape '\'
),

details as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

orders as (select * from {{ ref('stg_alpine_iq__contact_asks') }}),

listed as (select * from {{ ref('stg_alpine_iq__contacts') }}),

last_list as (
    select max(fetched_at) as fetched_at from listed
),

ages as (
    select
        'contact_details' as resource,
        listed.contact_id,
        details.fetched_at
    from listed
    left join details
        on listed.contact_id = details.contact_id
    union all
    select
        'contact_orders' as resource,
        listed.contact_id,
        orders.asked_at as fetched_at
    from listed
    left join orders
        on listed.contact_id = orders.contact_id
),

by_resource as (
    select
        ages.resource,
        count(*) as contacts,
        count_if(ages.fetched_at is null) as never_read,
        min(ages.fetched_at) as oldest_read_at,
        median(ages.fetched_at) as median_read_at,
        count_if(ages.fetched_at < last_list.fetched_at - interval 24 hours)
            as older_than_a_day
    from ages
    cross join last_list
    group by ages.resource
),

by_field as (
    select
        catalogue.entity,
        catalogue.column_name,
        catalogue.field_name,
        by_resource.resource,
        by_resource.contacts,
        by_resource.never_read,
        by_resource.oldest_read_at,
        by_resource.median_read_at,
        by_resource.older_than_a_day
    from catalogue
    inner join by_resource
        on by_resource.resource = if(
            catalogue.source like '%contact\_details%' escape '\',
            'contact_details',
            'contact_orders'
        )
)

select * from by_field
