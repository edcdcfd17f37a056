{# Every column of a mart stands in fields.csv, every row of it is a column. #}
{% test columns_match_catalog(model, entity) %}

with

columns_built as (
    select column_name
    from information_schema.columns
    where
        table_schema = '{{ model.schema }}'
        and table_name = '{{ model.identifier }}'
        and column_name <> 'source_key'
),

columns_listed as (
    select column_name
    from {{ ref('fields') }}
    where entity = '{{ entity }}'
)

select
    columns_built.column_name as built,
    columns_listed.column_name as listed
from columns_built
full outer join columns_listed
    on columns_built.column_name = columns_listed.column_name
where columns_built.column_name is null or columns_listed.column_name is null

{% endtest %}
