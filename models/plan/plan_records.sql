{{ config(materialized='view') }}

-- All intended calls of all entities, as one relation to query.
-- One row per entity and source_key.

select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_organizations') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_persons') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_products') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_deals') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_deal_products') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_notes') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_activities') }}
union all
select
    entity,
    source_key,
    wave,
    position,
    action,
    reason,
    old_hash,
    new_hash,
    changed_fields,
    payload,
    field_hashes,
    pipedrive_id,
    parents,
    token_cost,
    risk,
    take_ours,
    keep_theirs
from {{ ref('plan_files') }}
