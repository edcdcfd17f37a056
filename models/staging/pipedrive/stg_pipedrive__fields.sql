-- Fields of persons, organizations, deals and products, system fields too. One row per
-- entity and field code.

with

raw_person_fields as (select * from {{ source('raw_pipedrive', 'person_fields') }}),

raw_organization_fields as (
    select * from {{ source('raw_pipedrive', 'organization_fields') }}
),

raw_deal_fields as (select * from {{ source('raw_pipedrive', 'deal_fields') }}),

raw_product_fields as (select * from {{ source('raw_pipedrive', 'product_fields') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

united as (
    select
        'person' as entity,
        raw_person_fields.record_key,
        raw_person_fields.payload,
        raw_person_fields._dlt_load_id
    from raw_person_fields
    union all
    select
        'organization' as entity,
        raw_organization_fields.record_key,
        raw_organization_fields.payload,
        raw_organization_fields._dlt_load_id
    from raw_organization_fields
    union all
    select
        'deal' as entity,
        raw_deal_fields.record_key,
        raw_deal_fields.payload,
        raw_deal_fields._dlt_load_id
    from raw_deal_fields
    union all
    select
        'product' as entity,
        raw_product_fields.record_key,
        raw_product_fields.payload,
        raw_product_fields._dlt_load_id
    from raw_product_fields
),

parsed as (
    select
        united.entity,
        united.record_key,
        from_json(
            united.payload,
            '{
                "field_name": "VARCHAR",
                "field_type": "VARCHAR",
                "is_custom_field": "BOOLEAN",
                "options": [{"id": "VARCHAR", "label": "VARCHAR"}]
            }'
        ) as field
    from united
    inner join completed_loads
        on united._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        entity,
        record_key as field_code,
        field.field_name,
        field.field_type,
        -- 40 hex digits are the one sure sign of a custom field
        coalesce(
            field.is_custom_field,
            regexp_full_match(record_key, '[0-9a-f]{40}')
        ) as is_custom_field,
        coalesce(field.options, []) as options
    from parsed
)

select * from typed
