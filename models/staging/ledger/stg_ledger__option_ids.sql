{{ config(materialized='view') }}

-- Which option id of this account stands for which label. One row per option.
-- A view, so that what the loader publishes can be queried at once, without dbt.

select
    entity,
    column_name,
    option_label,
    option_id,
    created_by_run
from {{ source('ledger', 'option_ids') }}
