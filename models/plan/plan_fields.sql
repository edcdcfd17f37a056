-- Every field that a record may carry, native ones too. One row per entity and column.

with

fields as (select * from {{ ref('fields') }}),

field_codes as (select * from {{ ref('field_codes') }}),

codes_gathered as (
    select
        entity,
        column_name,
        list(field_code order by field_code) as field_codes
    from field_codes
    group by entity, column_name
),

coded as (
    select
        fields.entity,
        fields.column_name,
        fields.field_name,
        fields.field_type,
        fields.is_personal,
        fields.on_update,
        coalesce(codes_gathered.field_codes, []) as field_codes
    from fields
    left join codes_gathered
        on
            fields.entity = codes_gathered.entity
            and fields.column_name = codes_gathered.column_name
)

select * from coded
