{{ config(materialized='view') }}

-- One row per field that an update touched: hashes only, no values.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    attempt_id,
    entity,
    source_key,
    pipedrive_id,
    column_name,
    hash_before,
    hash_sent
from {{ source('ledger', 'journal') }}
