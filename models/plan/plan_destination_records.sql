-- Live records of the destination with the key that they carry, if any.
-- One row per entity and id; a key may stand on several records, which is for a person
-- to settle.

with

organizations as (select * from {{ ref('stg_pipedrive__organizations') }}),

persons as (select * from {{ ref('stg_pipedrive__persons') }}),

products as (select * from {{ ref('stg_pipedrive__products') }}),

deals as (select * from {{ ref('stg_pipedrive__deals') }}),

deal_products as (select * from {{ ref('stg_pipedrive__deal_products') }}),

notes as (select * from {{ ref('stg_pipedrive__notes') }}),

activities as (select * from {{ ref('stg_pipedrive__activities') }}),

files as (select * from {{ ref('stg_pipedrive__files') }}),

migration_keys as (
    select
        entity,
        pipedrive_id,
        value ->> '$' as source_key
    from {{ ref('stg_pipedrive__custom_values') }}
    where column_name = 'migration_key__c'
),

identified as (
    select
        'organization' as entity,
        organizations.pipedrive_organization_id as pipedrive_id,
        migration_keys.source_key,
        false as is_archived,
        organizations.updated_at,
        organizations.fetched_at
    from organizations
    left join migration_keys
        on
            organizations.pipedrive_organization_id = migration_keys.pipedrive_id
            and migration_keys.entity = 'organization'
    where not organizations.is_deleted
    union all
    select
        'person' as entity,
        persons.pipedrive_person_id as pipedrive_id,
        migration_keys.source_key,
        false as is_archived,
        persons.updated_at,
        persons.fetched_at
    from persons
    left join migration_keys
        on
            persons.pipedrive_person_id = migration_keys.pipedrive_id
            and migration_keys.entity = 'person'
    where not persons.is_deleted
    union all
    select
        'product' as entity,
        products.pipedrive_product_id as pipedrive_id,
        migration_keys.source_key,
        false as is_archived,
        products.updated_at,
        products.fetched_at
    from products
    left join migration_keys
        on
            products.pipedrive_product_id = migration_keys.pipedrive_id
            and migration_keys.entity = 'product'
    where not products.is_deleted
    union all
    select
        'deal' as entity,
        deals.pipedrive_deal_id as pipedrive_id,
        migration_keys.source_key,
        deals.is_archived,
        deals.updated_at,
        deals.fetched_at
    from deals
    left join migration_keys
        on
            deals.pipedrive_deal_id = migration_keys.pipedrive_id
            and migration_keys.entity = 'deal'
    where not deals.is_deleted
    -- lines, notes and activities have no fields of their own: the key closes the text
    union all
    select
        'deal_product' as entity,
        pipedrive_deal_product_id as pipedrive_id,
        {{ key_at_the_end('comments') }} as source_key,
        false as is_archived,
        updated_at,
        fetched_at
    from deal_products
    union all
    select
        'note' as entity,
        pipedrive_note_id as pipedrive_id,
        {{ key_at_the_end('content') }} as source_key,
        false as is_archived,
        updated_at,
        fetched_at
    from notes
    where not is_deleted
    union all
    select
        'activity' as entity,
        pipedrive_activity_id as pipedrive_id,
        {{ key_at_the_end('note') }} as source_key,
        false as is_archived,
        updated_at,
        fetched_at
    from activities
    where not is_deleted
    -- a file has only its name
    union all
    select
        'file' as entity,
        pipedrive_file_id as pipedrive_id,
        {{ key_in_file_name('file_name') }} as source_key,
        false as is_archived,
        updated_at,
        fetched_at
    from files
    where not is_deleted
),

counted as (
    select
        entity,
        pipedrive_id,
        source_key,
        is_archived,
        updated_at,
        fetched_at,
        if(
            source_key is null,
            0,
            count(*) over (partition by entity, source_key)
        ) as records_with_this_key
    from identified
)

select * from counted
