-- Products as Pipedrive will hold them. One row per source_key.

with

products as (select * from {{ ref('int_products_named') }}),

lines as (select * from {{ ref('int_order_lines_priced') }}),

dispositions as (select * from {{ ref('int_orders_dispositioned') }}),

lines_written as (select * from {{ ref('int_order_lines_written') }}),

-- only products of lines that load: a catalogue nobody sells from is no use to anyone
products_sold as (
    select distinct lines.product_source_key as source_key
    from lines
    inner join dispositions
        on lines.order_source_key = dispositions.source_key
    left join lines_written
        on lines.order_source_key = lines_written.order_source_key
    where
        dispositions.disposition = 'deal'
        and lines_written.order_source_key is null
),

mapped as (

    select
        ---------- keys
        products_sold.source_key,

        ---------- standard fields
        coalesce({{ shortened('products.product_name') }}, 'Order adjustment')
            as name,
        {{ within_length('products.sku') }} as code,
        coalesce(products.prices, []) as prices,

        ---------- custom fields
        products_sold.source_key as migration_key__c,
        {{ within_length('products.brand') }} as brand__c,
        {{ within_length('products.category') }} as product_category__c,
        {{ within_length('products.subcategory') }} as product_subcategory__c,
        {{ within_length('products.strain') }} as product_strain__c,
        {{ within_length('products.species') }} as product_species__c,
        {{ within_length('products.size') }} as product_size__c,
        case
            when length(products.product_name) > 255
                then concat_ws('; ', products.product_name, products.other_names)
            else products.other_names
        end as other_names__c

    from products_sold

    left join products on products_sold.source_key = products.source_key

)

select * from mapped
