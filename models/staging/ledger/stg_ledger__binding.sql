{{ config(materialized='view') }}

-- The accounts this ledger belongs to. One row at most.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    company_id,
    company_domain,
    source_account,
    ledger_id,
    schema_version,
    created_at at time zone 'UTC' as created_at
from {{ source('ledger', 'binding') }}
