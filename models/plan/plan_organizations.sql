-- Intended calls for organizations. One row per source_key.

{{ plan_rows(
    entity='organization',
    mart='mart_organizations',
    adoptions='plan_adoptions'
) }}
