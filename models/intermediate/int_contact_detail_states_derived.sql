-- Whether all is known of a contact that only a call per contact tells, and since when.
-- One row per contact_id.

with

classified as (select * from {{ ref('int_contacts_classified') }}),

listed as (select * from {{ ref('stg_alpine_iq__contacts') }}),

details as (select * from {{ ref('stg_alpine_iq__contact_details') }}),

orders as (select * from {{ ref('stg_alpine_iq__contact_orders') }}),

asks as (select * from {{ ref('stg_alpine_iq__contact_asks') }}),

personas_exported as (select * from {{ ref('stg_alpine_iq__export_personas') }}),

sales_exported as (select * from {{ ref('stg_alpine_iq__export_sales_lines') }}),

sales_by_contact as (
    select
        contact_id,
        max(fetched_at) as fetched_at
    from sales_exported
    where contact_id is not null
    group by contact_id
),

sales_by_audience as (
    select
        audience_of_file,
        max(fetched_at) as fetched_at
    from sales_exported
    where audience_of_file <> ''
    group by audience_of_file
),

gathered as (
    select
        classified.contact_id,
        -- nobody else can be asked for by id: the list is where the calls come from
        classified.visibility = 'listed' and listed.contact_id is not null
            as is_to_be_asked,
        details.fetched_at as detail_fetched_at,
        case
            when personas_exported.has_detail_columns then personas_exported.fetched_at
        end as detail_exported_at,
        orders.fetched_at as orders_fetched_at,
        -- an export of all sales of an audience: no line of a member means no order
        coalesce(sales_by_contact.fetched_at, sales_by_audience.fetched_at)
            as orders_exported_at,
        asks.asked_at
    from classified
    left join listed
        on classified.contact_id = listed.contact_id
    left join details
        on classified.contact_id = details.contact_id
    left join orders
        on classified.contact_id = orders.contact_id
    left join asks
        on classified.contact_id = asks.contact_id
    left join personas_exported
        on classified.contact_id = personas_exported.contact_id
    left join sales_by_contact
        on classified.contact_id = sales_by_contact.contact_id
    left join sales_by_audience
        on personas_exported.audience_of_file = sales_by_audience.audience_of_file
),

derived as (
    select
        contact_id,
        case
            when detail_fetched_at is not null then 'fetched'
            when detail_exported_at is not null then 'answered by export'
            -- asked, and the answer was empty
            when asked_at is not null then 'fetched'
            when is_to_be_asked then 'waiting'
            else 'not needed'
        end as detail_state,
        case
            when orders_fetched_at is not null then 'fetched'
            when orders_exported_at is not null then 'answered by export'
            when is_to_be_asked then 'waiting'
            else 'not needed'
        end as orders_state,
        coalesce(detail_fetched_at, detail_exported_at, asked_at) as detail_read_at,
        coalesce(orders_fetched_at, orders_exported_at) as orders_read_at
    from gathered
),

judged as (
    select
        contact_id,
        detail_state,
        orders_state,
        detail_read_at,
        orders_read_at,
        'waiting' in (detail_state, orders_state) as is_waiting
    from derived
)

select * from judged
