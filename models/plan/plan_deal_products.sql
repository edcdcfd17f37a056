{{ config(materialized='view') }}

-- Intended calls for lines of deals. One row per source_key.

{{ plan_whole(
    entity='deal_product',
    calls='plan_deal_product_calls',
    payloads='plan_deal_product_payloads'
) }}
