{{ config(materialized='view') }}

-- Every answer that a gate of the cutover ever gave. One row per gate and cutover.

select
    seq,
    -- quoted: `at` is a keyword here
    "at" at time zone 'UTC' as answered_at, -- noqa: RF06
    json_extract_string(detail, '$.gate') as gate_name,
    json_extract_string(detail, '$.state') as gate_state,
    json_extract_string(detail, '$.found') as found
from {{ source('ledger', 'events') }}
where what = 'cutover gate'
