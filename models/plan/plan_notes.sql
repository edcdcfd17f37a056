-- Intended calls for notes, which only the older API has: ten tokens each.
-- One row per source_key.

{{ plan_rows(
    entity='note',
    mart='mart_notes',
    parents={'deal__source_key': 'plan_deal_calls', 'person__source_key': 'plan_persons'},
    write_cost=10
) }}
