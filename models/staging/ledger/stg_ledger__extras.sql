{{ config(materialized='view') }}

-- Records in the destination that the ledger can't account for, one row each.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    entity,
    pipedrive_id,
    source_key,
    why,
    action
from {{ source('ledger', 'extras') }}
