-- Custom field values of the last read-back under catalogue names, option ids turned
-- back into labels. One row per entity, record and column that has a value.

with

raw_organizations as (select * from {{ source('raw_pipedrive', 'organizations') }}),

raw_persons as (select * from {{ source('raw_pipedrive', 'persons') }}),

raw_deals as (select * from {{ source('raw_pipedrive', 'deals') }}),

raw_products as (select * from {{ source('raw_pipedrive', 'products') }}),

completed_loads as (
    select load_id from {{ source('raw_pipedrive', '_dlt_loads') }}
    where status = 0
),

fields as (select * from {{ ref('stg_pipedrive__fields') }}),

field_options as (select * from {{ ref('stg_pipedrive__field_options') }}),

field_codes as (select * from {{ ref('stg_ledger__field_codes') }}),

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
),

parsed as (
    select
        united.entity,
        try_cast(united.record_key as bigint) as pipedrive_id,
        unnest(
            map_entries(
                from_json(
                    united.payload,
                    '{"custom_fields": "MAP(VARCHAR, JSON)"}'
                ).custom_fields
            )
        ) as member
    from united
    inner join completed_loads
        on united._dlt_load_id = completed_loads.load_id
),

option_maps as (
    select
        entity,
        field_code,
        map(list(option_id), list(option_label)) as option_labels
    from field_options
    group by entity, field_code
),

-- a code that the ledger doesn't know (a lost ledger, an account filled before) is
-- recognised by name; the ledger wins
columns_by_code as (
    select
        fields.entity,
        fields.field_code,
        fields.field_type,
        coalesce(field_codes.column_name, catalogue.column_name) as column_name,
        option_maps.option_labels
    from fields
    left join field_codes
        on
            fields.entity = field_codes.entity
            and fields.field_code = field_codes.field_code
    left join catalogue
        on
            fields.entity = catalogue.entity
            and fields.field_name = catalogue.field_name
            and catalogue.kind = 'custom'
    left join option_maps
        on
            fields.entity = option_maps.entity
            and fields.field_code = option_maps.field_code
    where
        fields.is_custom_field
        and coalesce(field_codes.column_name, catalogue.column_name) is not null
    qualify row_number() over (
        partition by
            fields.entity, coalesce(field_codes.column_name, catalogue.column_name)
        order by field_codes.field_code nulls last, fields.field_code
    ) = 1
),

named as (
    select
        parsed.entity,
        parsed.pipedrive_id,
        columns_by_code.column_name,
        columns_by_code.field_type,
        columns_by_code.option_labels,
        parsed.member.value
    from parsed
    inner join columns_by_code
        on
            parsed.entity = columns_by_code.entity
            and parsed.member.key = columns_by_code.field_code
    where
        parsed.member.value is not null
        and cast(parsed.member.value as varchar) not in ('null', '""', '[]')
),

-- an id that is no option of the field stays visible as such
turned_into_labels as (
    select
        entity,
        pipedrive_id,
        column_name,
        case field_type
            when 'enum'
                then to_json(
                    coalesce(
                        option_labels[value ->> '$'], 'option ' || (value ->> '$')
                    )
                )
            when 'set'
                then to_json(
                    list_sort(
                        list_transform(
                            cast(value as varchar[]),
                            lambda x: coalesce(option_labels[x], 'option ' || x)
                        )
                    )
                )
            else value
        end as value
    from named
)

select * from turned_into_labels
