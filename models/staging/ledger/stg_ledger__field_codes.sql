{{ config(materialized='view') }}

-- Which field of this account holds which catalogue column. One row per column.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    entity,
    column_name,
    field_code,
    field_name,
    field_type,
    created_by_run,
    state
from {{ source('ledger', 'field_codes') }}
