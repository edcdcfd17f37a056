{{ config(materialized='view') }}

-- Runs of the loader, one row each.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    run_id,
    kind,
    plan_digest,
    code_version,
    exit_reason,
    tokens_spent,
    calls as call_count,
    writes as write_count,
    started_at at time zone 'UTC' as started_at,
    ended_at at time zone 'UTC' as ended_at
from {{ source('ledger', 'runs') }}
