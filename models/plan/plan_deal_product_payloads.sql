-- What lines of deals hold as they would be sent. One row per source_key of the mart.

{{ plan_payloads(
    mart='mart_deal_products',
    parents=['deal__source_key', 'product__source_key'],
    bulk_by='deal__source_key'
) }}
