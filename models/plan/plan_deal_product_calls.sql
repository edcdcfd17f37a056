-- Intended calls for lines of deals, without what they send; from five lines of a deal
-- up they travel in bulk. One row per source_key.

{{ plan_rows(
    entity='deal_product',
    mart='mart_deal_products',
    quarantine='quarantine_deal_products',
    parents={
        'deal__source_key': 'plan_deal_calls',
        'product__source_key': 'plan_products'
    },
    bulk_by='deal__source_key',
    payloads='plan_deal_product_payloads'
) }}
