-- Whose orders were asked for, none found included. One row per contact_id.

with

raw_contact_orders as (
    select * from {{ source('raw_alpine_iq', 'contact_orders') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

typed as (
    select
        ---------- ids
        raw_contact_orders.record_key as contact_id,
        ---------- numbers
        json_array_length(raw_contact_orders.payload, '$.lines') as line_count,
        ---------- timestamps
        raw_contact_orders.fetched_at at time zone 'UTC' as fetched_at
    from raw_contact_orders
    inner join completed_loads
        on raw_contact_orders._dlt_load_id = completed_loads.load_id
)

select * from typed
