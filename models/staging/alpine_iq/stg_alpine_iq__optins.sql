-- Opt-in look-ups by address. One row per channel and address.

with

raw_optins as (select * from {{ source('raw_alpine_iq', 'optins') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_optins.record_key,
        raw_optins.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_optins.payload,
            '{
                "address": "VARCHAR",
                "channel": "VARCHAR",
                "optedIn": "VARCHAR",
                "optinTime": "VARCHAR",
                "optoutTime": "VARCHAR",
                "pending": "VARCHAR",
                "contactID": "VARCHAR"
            }'
        ) as optin
    from raw_optins
    inner join completed_loads
        on raw_optins._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as lookup_key,
        {{ text_or_null('optin.contactid') }} as contact_id,
        ---------- text
        {{ text_or_null('optin.address') }} as address,
        case
            when lower(optin.channel) in ('text', 'sms', 'mobile') then 'sms'
            when lower(optin.channel) = 'email' then 'email'
        end as channel,
        ---------- booleans
        {{ boolean_or_null('optin.optedin') }} as is_opted_in,
        {{ boolean_or_null('optin.pending') }} as is_pending,
        ---------- timestamps
        {{ instant_or_null('optin.optintime') }} as opted_in_at,
        {{ instant_or_null('optin.optouttime') }} as opted_out_at,
        fetched_at
    from parsed
)

select * from typed
