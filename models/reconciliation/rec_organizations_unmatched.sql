-- Stores without their organization: names that fit no store, or several, and stores
-- whose organization isn't in the destination. One row per kind and name.

with

store_names as (select * from {{ ref('disc_store_names') }}),

planned as (
    select * from {{ ref('plan_records') }}
    where entity = 'organization'
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where entity = 'organization'
),

readbacks as (
    select count(*) as readback_count from {{ ref('stg_pipedrive__readbacks') }}
),

names_without_store as (
    select
        'store name' as kind,
        folded_name as name,
        cast(null as varchar) as source_key,
        cast(use_count as bigint) as records_affected,
        problem,
        case problem
            when 'several_stores'
                then 'give each store names of its own in its source mapping'
            else 'add the name to the source mapping of its store in Alpine IQ'
        end as what_to_do
    from store_names
),

stores_without_organization as (
    select
        'store' as kind,
        coalesce(planned.payload ->> 'name', planned.source_key) as name,
        planned.source_key,
        cast(1 as bigint) as records_affected,
        'no organization' as problem,
        case planned.action
            when 'quarantine' then 'settle its quarantine, then plan and apply again'
            else 'run plan and apply again; if it was deleted on purpose, leave it'
        end as what_to_do
    from planned
    cross join readbacks
    left join destination_records
        on planned.source_key = destination_records.source_key
    where
        readbacks.readback_count > 0
        and destination_records.source_key is null
),

united as (
    select * from names_without_store
    union all
    select * from stores_without_organization
)

select * from united
