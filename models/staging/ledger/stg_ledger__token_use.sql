{{ config(materialized='view') }}

-- Tokens spent. One row per day, run, entity and endpoint.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    run_id,
    entity,
    endpoint,
    calls as call_count,
    tokens as token_count,
    day as used_date
from {{ source('ledger', 'token_use') }}
