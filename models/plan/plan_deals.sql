{{ config(materialized='view') }}

-- Intended calls for deals. One row per source_key.

{{ plan_whole(
    entity='deal',
    calls='plan_deal_calls',
    payloads='plan_deal_payloads'
) }}
