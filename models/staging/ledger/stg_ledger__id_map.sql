{{ config(materialized='view') }}

-- One row per record the loader ever meant to write, with its id in Pipedrive.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    entity,
    source_key,
    state,
    pipedrive_id,
    payload_hash,
    field_hashes,
    origin,
    plan_digest,
    run_id,
    attempts as attempt_count,
    reason_code,
    reason,
    updated_at at time zone 'UTC' as updated_at
from {{ source('ledger', 'id_map') }}
