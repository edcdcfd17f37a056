{# Pipedrive has no boolean custom fields: one option, empty where nobody knows. #}
{% macro yes_no(expression) -%}
    case when {{ expression }} then 'Yes' when not {{ expression }} then 'No' end
{%- endmacro %}
