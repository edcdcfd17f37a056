{{ config(materialized='view') }}

-- What the loader decided, in order, chained by hash. One row per event.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    seq,
    run_id,
    what,
    detail,
    prev_hash,
    hash,
    -- quoted: `at` is a keyword here
    "at" at time zone 'UTC' as happened_at -- noqa: RF06
from {{ source('ledger', 'events') }}
