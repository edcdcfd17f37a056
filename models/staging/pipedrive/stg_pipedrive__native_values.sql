-- Native values of the last read-back as the API names them. One row per entity, record
-- and member that has a value and stands in the catalogue.

with

raw_organizations as (select * from {{ source('raw_pipedrive', 'organizations') }}),

raw_persons as (select * from {{ source('raw_pipedrive', 'persons') }}),

raw_deals as (select * from {{ source('raw_pipedrive', 'deals') }}),

raw_products as (select * from {{ source('raw_pipedrive', 'products') }}),

raw_deal_products as (select * from {{ source('raw_pipedrive', 'deal_products') }}),

raw_notes as (select * from {{ source('raw_pipedrive', 'notes') }}),

raw_activities as (select * from {{ source('raw_pipedrive', 'activities') }}),

raw_files as (select * from {{ source('raw_pipedrive', 'files') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

catalogue as (select * from {{ ref('fields') }}),

united as (
    select
        'organization' as entity,
        raw_organizations.record_key,
        raw_organizations.payload,
        raw_organizations._dlt_load_id
    from raw_organizations
    union all
    select
        'person' as entity,
        raw_persons.record_key,
        raw_persons.payload,
        raw_persons._dlt_load_id
    from raw_persons
    union all
    select
        'deal' as entity,
        raw_deals.record_key,
        raw_deals.payload,
        raw_deals._dlt_load_id
    from raw_deals
    union all
    select
        'product' as entity,
        raw_products.record_key,
        raw_products.payload,
        raw_products._dlt_load_id
    from raw_products
    union all
    select
        'deal_product' as entity,
        raw_deal_products.record_key,
        raw_deal_products.payload,
        raw_deal_products._dlt_load_id
    from raw_deal_products
    union all
    select
        'note' as entity,
        raw_notes.record_key,
        raw_notes.payload,
        raw_notes._dlt_load_id
    from raw_notes
    union all
    select
        'activity' as entity,
        raw_activities.record_key,
        raw_activities.payload,
        raw_activities._dlt_load_id
    from raw_activities
    union all
    select
        'file' as entity,
        raw_files.record_key,
        raw_files.payload,
        raw_files._dlt_load_id
    from raw_files
),

parsed as (
    select
        united.entity,
        try_cast(united.record_key as bigint) as pipedrive_id,
        unnest(map_entries(cast(united.payload as map (varchar, json)))) as member
    from united
    inner join completed_loads
        on united._dlt_load_id = completed_loads.load_id
),

-- parents and labels are ids on this side and names on ours
members_listed as (
    select
        entity,
        column_name,
        case
            when column_name = 'label_names' then 'label_ids'
            else replace(column_name, '__source_key', '_id')
        end as member_name
    from catalogue
    where kind = 'native'
),

named as (
    select
        parsed.entity,
        parsed.pipedrive_id,
        members_listed.column_name,
        parsed.member.value
    from parsed
    inner join members_listed
        on
            parsed.entity = members_listed.entity
            and parsed.member.key = members_listed.member_name
    where
        parsed.member.value is not null
        and cast(parsed.member.value as varchar) not in ('null', '""', '[]')
)

select * from named
