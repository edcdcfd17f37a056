-- Options that must exist before records load: declared ones and those that the data
-- brings. One row per entity, column_name and option_label.

with

declared_options as (select * from {{ ref('field_options') }}),

audiences as (select * from {{ ref('int_audiences_turned_into_labels') }}),

discount_groups as (select * from {{ ref('int_contact_discount_groups_assigned') }}),

products as (select * from {{ ref('int_products_named') }}),

properties as (
    select * from {{ ref('int_person_properties_chosen') }}
    where is_chosen
),

property_enums as (
    select * from {{ ref('property_fields') }}
    where decision = 'field' and field_type = 'enum'
),

options_found as (
    select
        'person' as entity,
        'audience_list__c' as column_name,
        label_name as option_label,
        min(label_rank) as rank
    from audiences
    group by label_name
    union all
    select
        'person' as entity,
        'discount_group__c' as column_name,
        discount_group as option_label,
        dense_rank() over (order by discount_group) as rank
    from discount_groups
    group by discount_group
    union all
    select
        'product' as entity,
        'product_category__c' as column_name,
        category as option_label,
        dense_rank() over (order by category) as rank
    from products
    where length(category) <= 255
    group by category
    union all
    select
        'person' as entity,
        properties.column_name,
        properties.typed_value as option_label,
        dense_rank() over (
            partition by properties.column_name order by properties.typed_value
        ) as rank
    from properties
    inner join property_enums
        on properties.property_name = property_enums.property_name
    group by properties.column_name, properties.typed_value
),

united as (
    select
        entity,
        column_name,
        option_label,
        cast(rank as integer) as rank
    from declared_options
    union all
    select
        options_found.entity,
        options_found.column_name,
        options_found.option_label,
        cast(options_found.rank as integer) as rank
    from options_found
    left join declared_options
        on
            options_found.entity = declared_options.entity
            and options_found.column_name = declared_options.column_name
            and options_found.option_label = declared_options.option_label
    where declared_options.option_label is null
)

select * from united
