{#- dbt asks the root project alone for this one: schemas are named as the core names them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ alpineiq_to_pipedrive.generate_schema_name(custom_schema_name, node) }}
{%- endmacro %}
