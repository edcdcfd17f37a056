-- Every field that a record may carry, native ones too. One row per entity and column.

with

fields as (select * from {{ ref('fields') }}),

products as (select * from {{ ref('mart_products') }}),

codes as (
    select * from {{ ref('plan_codes_committed') }}
    where option_label is null
),

-- a field that the order strategy leaves empty would take a place under the cap
fields_used as (
    select * from fields
    where
        (
            entity = 'product'
            and (
                '{{ decided_setting('order_strategy') }}' <> 'lines_as_text'
                or exists (select 1 from products)
            )
        )
        or (
            entity <> 'product'
            and (
                column_name <> 'order_lines__c'
                or '{{ decided_setting('order_strategy') }}' = 'lines_as_text'
            )
        )
),

coded as (
    select
        fields_used.entity,
        fields_used.column_name,
        fields_used.field_name,
        fields_used.field_type,
        fields_used.is_personal,
        fields_used.on_update,
        coalesce(codes.committed_codes, []) as field_codes
    from fields_used
    left join codes
        on
            fields_used.entity = codes.entity
            and fields_used.column_name = codes.column_name
)

select * from coded
