-- If this fails, a line of store_settings.csv names a store, zone, currency or
-- visibility that does not exist.

with

settings as (select * from {{ ref('store_settings') }}),

stores as (select * from {{ ref('stg_alpine_iq__stores') }}),

zones as (select name from pg_timezone_names()),

store_counts as (
    select count(*) as store_count
    from stores
)

select
    'seeds/decisions/store_settings.csv' as seed_file,
    settings.store_id,
    case
        when stores.store_id is null then 'store_id: no such store'
        when zones.name is null then 'time_zone: not a zone such as America/Denver'
        when
            not regexp_full_match(settings.currency, '[A-Z]{3}')
            then 'currency: three capital letters'
        else 'visible_to: 1, 3, 5 or 7'
    end as problem
from settings
left join stores
    on settings.store_id = stores.store_id
left join zones
    on settings.time_zone = zones.name
cross join store_counts
where
    (stores.store_id is null and store_counts.store_count > 0)
    or (settings.time_zone is not null and zones.name is null)
    or not regexp_full_match(settings.currency, '[A-Z]{3}')
    or settings.visible_to not in (1, 3, 5, 7)
