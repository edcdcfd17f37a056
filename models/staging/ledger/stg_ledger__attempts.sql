{{ config(materialized='view') }}

-- One row per intended call, with its outcome; null outcome: not yet known.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    attempt_id,
    run_id,
    entity,
    source_key,
    verb,
    endpoint,
    payload_hash,
    outcome,
    http_status,
    pipedrive_id,
    tokens as token_count,
    intent_at at time zone 'UTC' as intent_at,
    finished_at at time zone 'UTC' as finished_at
from {{ source('ledger', 'attempts') }}
