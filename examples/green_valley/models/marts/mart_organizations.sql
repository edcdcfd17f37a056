-- Stores as Pipedrive will hold them, the nickname led by the customer's sales region.
-- One row per source_key. Takes the place of the core's model of this name.

with

stores as (select * from {{ ref('int_stores_configured') }}),

regions as (select * from {{ ref('int_store_regions') }}),

mapped as (

    select
        ---------- keys
        stores.source_key,

        ---------- standard fields
        stores.organization_name as name,
        {{ alpineiq_to_pipedrive.address_struct(
            'stores.street', 'stores.city', 'stores.state', 'stores.postal_code',
            'stores.country'
        ) }} as address,
        stores.owner_id,
        stores.visible_to,

        ---------- custom fields
        stores.source_key as migration_key__c,
        {{ alpineiq_to_pipedrive.within_length(
            "concat_ws(' / ', regions.region, stores.nickname)"
        ) }} as store_nickname__c,
        coalesce(stores.phone_e164, stores.raw_phone) as store_phone__c,
        stores.time_zone as store_time_zone__c,
        nullif(array_to_string(stores.source_names, '; '), '')
            as store_source_names__c,
        {{ alpineiq_to_pipedrive.within_length('stores.online_shop_url') }} as online_shop_url__c

    from stores

    left join regions on stores.source_key = regions.store_source_key

)

select * from mapped
