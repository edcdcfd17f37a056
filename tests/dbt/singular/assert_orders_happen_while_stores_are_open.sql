-- If this warns, a store's time zone is probably wrong: it sells at night, or hours
-- before or after the other stores. Confirm the zone in store_settings.csv.

{{ config(severity='warn') }}

select
    store_id,
    time_zone,
    order_count,
    mean_hour,
    hours_later,
    suspicion
from {{ ref('disc_store_hours') }}
where suspicion is not null
