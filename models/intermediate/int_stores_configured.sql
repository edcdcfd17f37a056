-- Stores with what a person confirmed about them. One row per store_id.

with

stores as (select * from {{ ref('stg_alpine_iq__stores') }}),

settings as (select * from {{ ref('store_settings') }}),

zones as (select name from pg_timezone_names()),

configured as (
    select
        stores.store_id,
        'aiq:store:' || stores.store_id as source_key,
        coalesce(
            settings.organization_name,
            {{ clean_text('stores.store_name') }},
            {{ clean_text('stores.nickname') }},
            'Store ' || stores.store_id
        ) as organization_name,
        {{ clean_text('stores.nickname') }} as nickname,
        phone_e164(
            stores.phone, coalesce(stores.country, {{ policy('default_phone_region') }})
        ) as phone_e164,
        stores.phone as raw_phone,
        coalesce(
            settings.time_zone, zones.name, {{ policy('default_time_zone') }}
        ) as time_zone,
        -- confirmed is what a person wrote down whole: no default in silence
        coalesce(
            settings.time_zone is not null
            and settings.currency is not null
            and settings.owner_id is not null
            and settings.visible_to is not null
            and settings.decided_by is not null,
            false
        ) as is_confirmed,
        coalesce(settings.currency, {{ policy('default_currency') }}) as currency,
        settings.owner_id,
        settings.visible_to,
        {{ clean_text('stores.street') }} as street,
        {{ clean_text('stores.city') }} as city,
        case
            when length(stores.state) = 2 then upper(stores.state) else stores.state
        end as state,
        stores.postal_code,
        upper(stores.country) as country,
        stores.online_shop_url,
        stores.source_names
    from stores
    left join settings
        on stores.store_id = settings.store_id
    left join zones
        on stores.time_zone = zones.name
)

select * from configured
