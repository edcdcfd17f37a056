-- Keys under which the destination may hold a record of ours. One row per entity and
-- source_key.

select
    entity,
    source_key,
    coalesce(reason_code = 'archived', false) as is_archived
from {{ ref('stg_ledger__id_map') }}
-- what was undone may come back under any key
where
    (pipedrive_id is not null and state <> 'removed')
    or state in ('intent', 'ambiguous')
