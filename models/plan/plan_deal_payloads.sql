-- What deals hold as they would be sent. One row per source_key of the mart.

{{ plan_payloads(
    mart='mart_deals',
    parents=['org__source_key', 'person__source_key', 'stage__source_key']
) }}
