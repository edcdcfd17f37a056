-- Intended calls for activities. One row per source_key.

{{ plan_rows(
    entity='activity',
    mart='mart_activities',
    parents={'person__source_key': 'plan_persons'}
) }}
