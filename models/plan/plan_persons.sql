-- Intended calls for persons. One row per source_key.

{{ plan_rows(
    entity='person',
    mart='mart_persons',
    quarantine='quarantine_persons',
    held='int_persons_held_back',
    adoptions='plan_adoptions',
    parents={'org__source_key': 'plan_organizations'}
) }}
