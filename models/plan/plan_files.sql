-- Intended calls for files, which only the older API has: ten tokens each. An upload is
-- never changed, so there are creates and what is there. One row per source_key.

{{ plan_rows(
    entity='file',
    mart='mart_files',
    parents={'deal__source_key': 'plan_deal_calls', 'person__source_key': 'plan_persons'},
    write_cost=10
) }}
