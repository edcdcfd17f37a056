{{ config(materialized='view') }}

-- All intended calls of all entities, as one relation to query.
-- One row per entity and source_key.

select * from {{ ref('plan_organizations') }}
union all
select * from {{ ref('plan_persons') }}
union all
select * from {{ ref('plan_products') }}
union all
select * from {{ ref('plan_deals') }}
union all
select * from {{ ref('plan_deal_products') }}
union all
select * from {{ ref('plan_notes') }}
