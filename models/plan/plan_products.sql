-- Intended calls for products. One row per source_key.

{{ plan_rows(
    entity='product',
    mart='mart_products',
    adoptions='plan_adoptions'
) }}
